/*
 * Faults as signals: the thread that touches a missing page has a SIGBUS, and its handler asks the source on a connection of
 * its own, installs the page and returns. No other thread is woken. One touching thread.
 */
#ifndef FLOOR_SIGBUS_H
#define FLOOR_SIGBUS_H

#include "destination.h"

/* From now on; the destination's userfaultfd makes faults signals. */
void signal_handler_start(struct destination *destination, int sync_fd);

void signal_handler_stop(void);

#endif
