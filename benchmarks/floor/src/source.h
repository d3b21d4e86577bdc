/*
 * The source: a process of its own that holds all memory, filled and present. One thread answers
 * requests on the sync connection, another streams on the stream connection.
 */
#ifndef FLOOR_SOURCE_H
#define FLOOR_SOURCE_H

#include <sys/types.h>

#include "options.h"

struct source {
    pid_t pid;
    int sync_fd;
    int stream_fd; /* -1 without a stream */
};

/*
 * Starts the process and returns when its memory is filled and both connections stand. It dies with
 * the calling thread. Call it before mapping memory or starting threads: it forks.
 */
struct source source_start(const struct options *options);

/* Closes the connections, which ends the process, and waits for it. */
void source_stop(const struct source *source);

#endif
