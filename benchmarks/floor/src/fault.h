/*
 * The fault handler: a thread that learns of missing pages from the userfaultfd and makes them
 * appear, from the source over the sync connection or from local memory.
 */
#ifndef FLOOR_FAULT_H
#define FLOOR_FAULT_H

#include <pthread.h>
#include <stdint.h>

#include "destination.h"
#include "options.h"

struct fault_handler {
    const struct options *options;
    struct destination *destination;
    int sync_fd;                /* -1: resolve from local_memory */
    const uint8_t *local_memory;
    pthread_t thread;

    /* Owned by the thread. */
    uint8_t *reply_pages;       /* one page for a header that ends at the boundary, one for data */
    size_t reply_bytes;         /* received of the current reply */
    size_t outstanding;         /* requests without a reply */
    bool stopping;
};

/* Starts the thread; the fields above the thread are set. */
void fault_handler_start(struct fault_handler *handler);

/* Returns when every request has its reply and the thread has ended. It may be started again. */
void fault_handler_stop(struct fault_handler *handler);

#endif
