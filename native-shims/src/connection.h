/* Opens connections to a source. Plain system calls, so that a signal handler can open one again. */
#ifndef USERLOAD_CONNECTION_H
#define USERLOAD_CONNECTION_H

#include "address.h"
#include "patience.h"
#include "wire.h"

enum { USERLOAD_ERROR_TEXT = 256 };

/* Why a peer refused. */
struct userload_refusal {
    uint16_t code;
    char text[USERLOAD_ERROR_TEXT];
};

/*
 * Connects, says a hello and reads the fixed part of the answer; its region entries are still to be read. Gives a
 * descriptor, non-blocking, or a negative errno: -ECONNREFUSED with a refusal whose code is not 0 when the source said why,
 * -EPROTO when it does not speak the protocol.
 */
int userload_dial(const struct userload_address *to, const struct userload_hello *ask, struct userload_hello *answer,
                  struct userload_refusal *refusal, const struct userload_patience *patience);

/* Reads and forgets bytes of a non-blocking connection. */
int userload_skip(int fd, size_t bytes, const struct userload_patience *patience);

/* All bytes or an error, on a non-blocking connection: 0 or a negative errno, -ECONNRESET at its end. */
int userload_send_all(int fd, const uint8_t *bytes, size_t length, const struct userload_patience *patience);
int userload_receive_all(int fd, uint8_t *bytes, size_t length, const struct userload_patience *patience);

/* From here on calls wait, each at most so long. */
int userload_make_blocking(int fd, int64_t timeout_ns);

#endif
