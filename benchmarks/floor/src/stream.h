/* The stream intake: a thread that receives runs of pages and installs what is still missing. */
#ifndef FLOOR_STREAM_H
#define FLOOR_STREAM_H

#include <pthread.h>
#include <stdint.h>

#include "destination.h"
#include "options.h"

struct stream_intake {
    const struct options *options;
    struct destination *destination;
    int stream_fd;
    pthread_t thread;
    uint64_t started_at_ns;

    /* Owned by the thread: bytes received and not yet taken lie in buffer[taken .. filled). */
    uint8_t *buffer;
    size_t buffer_bytes;
    size_t taken;
    size_t filled;
};

/* Asks the source to begin and starts the thread; the fields above the thread are set. */
void stream_intake_start(struct stream_intake *intake);

/* Returns when the source has ended the stream and the thread has ended. */
void stream_intake_join(struct stream_intake *intake);

#endif
