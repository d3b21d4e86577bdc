/*
 * The memory that appears page by page. Two threads install into it, the fault handler and the
 * stream intake. The kernel decides who wins a page: the loser's UFFDIO_COPY says EEXIST, which is
 * an outcome and is counted.
 *
 *     memory                                       doorbell
 *     +--------+--------+--------+-- ... --+--------+--------+
 *     | page 0 | page 1 | page 2 |         | last   |        |   all registered, all missing
 *     +--------+--------+--------+-- ... --+--------+--------+
 *
 * A touch of the doorbell is a fault like any other and so wakes the handler in either of its loops;
 * it means "stop".
 */
#ifndef FLOOR_DESTINATION_H
#define FLOOR_DESTINATION_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitmap.h"

enum path { PATH_DEMAND, PATH_STREAM, PATH_COUNT };

struct destination {
    uint8_t *memory;
    size_t pages;
    int uffd;
    bitmap_word *received;                  /* set after the page is installed */
    atomic_size_t installed[PATH_COUNT];    /* pages, by the path that won */
    atomic_size_t missing;                  /* pages */
    atomic_size_t duplicates;               /* pages that arrived when they were present already */
    _Atomic uint64_t complete_at_ns;        /* 0 while pages are missing */
    sem_t complete;                         /* posted once, when no page is missing */
};

void destination_open(struct destination *destination, size_t pages, bool nonblocking,
                      bool faults_are_signals);
void destination_close(struct destination *destination);

/* Installs those of the pages that are still missing. Any thread. */
void destination_install(struct destination *destination, enum path path, size_t first_page,
                         size_t page_count, const uint8_t *from);

static inline bool destination_is_complete(const struct destination *destination)
{
    return atomic_load_explicit(&destination->complete_at_ns, memory_order_acquire) != 0;
}

/* Sleeps until no page is missing. */
void destination_await_complete(struct destination *destination);

/* Sleeps until the handler has answered the doorbell, and arms it again. */
void destination_ring(struct destination *destination);

/* The handler's answer. */
void destination_answer_doorbell(struct destination *destination);

#endif
