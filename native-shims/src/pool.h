/*
 * The connections of a session on which threads ask for their own pages: opened up front, lent to one thread at a time. More
 * threads than connections wait for each other, until their deadline.
 *
 * A slot keeps the number of its descriptor for good: a new connection is put in the place of the old one by dup3(2). So the
 * connections can be shut down at any moment by somebody else, and never a descriptor that means something else by now.
 */
#ifndef USERLOAD_POOL_H
#define USERLOAD_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "connection.h"

enum { USERLOAD_MAX_SLOTS = 256 };

struct userload_slot {
    _Atomic uint32_t busy;
    int fd;
    int broken;     /* the holder's: connect again before use */
    uint32_t id;    /* of the last request */
    uint64_t features; /* that the source has answered with on this connection */
    uint8_t *page;  /* page-aligned; the header of an answer lands in the bytes before it */
};

struct userload_pool {
    struct userload_slot *slots;
    uint32_t count;
    uint32_t page_bytes;
    int64_t timeout_ns;
    struct userload_address address;
    struct userload_hello ask;
    uint8_t *buffers;
    size_t buffer_bytes;
    _Atomic uint32_t released; /* a futex: changes when a slot is given back and somebody waits */
    _Atomic uint32_t waiting;
    _Atomic uint64_t reconnects;
};

/*
 * Opens all connections. 0, or a negative errno and its text; then nothing is left open. -EDEADLK says that the source is this
 * process, -EPROTONOSUPPORT that it knows no connections of this kind.
 */
int userload_pool_open(struct userload_pool *pool, const char *address, uint32_t count, uint32_t page_bytes,
                       const uint8_t *session, int64_t timeout_ns, char *error, size_t error_bytes);

/*
 * Lends a slot, and tells whether that took a wait; NULL, and why, when patience is over. Async-signal-safe, as all below but
 * close.
 */
struct userload_slot *userload_pool_take(struct userload_pool *pool, const struct userload_patience *patience,
                                         int *why, int *waited);

void userload_pool_give_back(struct userload_pool *pool, struct userload_slot *slot);

/* Connects a broken slot again, trying until patience is over. 0 or a negative errno. By its holder. */
int userload_pool_reconnect(struct userload_pool *pool, struct userload_slot *slot,
                            const struct userload_patience *patience);

/* Ends what is under way on every connection and wakes who waits for one. */
void userload_pool_shut_down(struct userload_pool *pool);

/* When no thread uses it any more. */
void userload_pool_close(struct userload_pool *pool);

#endif
