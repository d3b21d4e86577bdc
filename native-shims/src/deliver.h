/* The ranges of set_muserload, whose missing pages are announced by a signal. */
#ifndef USERLOAD_DELIVER_H
#define USERLOAD_DELIVER_H

#include <signal.h>

/*
 * A touch of a missing page that is no session's: queues the signal of its range to the calling thread. Whether it did; not
 * when the address lies in no range, or when nobody would act on the signal. Async-signal-safe.
 */
int userload_deliver(const siginfo_t *info, const void *context);

#endif
