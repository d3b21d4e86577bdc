/* The session of a C program: what userload.h calls struct userload. */
#ifndef USERLOAD_CLIENT_H
#define USERLOAD_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "registry.h"
#include "userload.h"

enum { USERLOAD_CLIENT_ERROR = 512, USERLOAD_CHUNK_PAGES = 64 };

/* By region index. */
struct userload_client_region {
    uint8_t *address;
    size_t bytes;
    uint64_t guest_address;
};

struct userload {
    struct userload_session *session;
    int handle;
    struct userload_client_region *regions;
    uint32_t region_count;
    uint64_t pages;
    int control;
    int sync;
    int stream;
    int uffd;
    int events; /* an eventfd: the last page has come, or it is being closed */
    uint64_t features;
    uint32_t window;
    int no_stream;
    int64_t timeout_ns;
    uint8_t *chunk; /* USERLOAD_CHUNK_PAGES pages, and as many that hold the pattern */
    pthread_t thread;
    int has_thread;
    _Atomic uint32_t closing;

    /* Of the stream. */
    _Atomic uint64_t installed;
    _Atomic uint64_t zero;
    _Atomic uint64_t duplicates;

    /* How it has ended: 1 complete, negative failed; under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int outcome;
    char error[USERLOAD_CLIENT_ERROR];
};

/* What the stream thread does, from the start to the end of the session. */
void *userload_client_run(void *client);

#endif
