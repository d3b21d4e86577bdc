/* A source in a process of its own, on plain sockets, that speaks the protocol as told. */
#ifndef USERLOAD_TEST_SOURCE_H
#define USERLOAD_TEST_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

enum { SOURCE_REGIONS = 2, SOURCE_PAGE = 4096 };

struct source_manner {
    uint32_t pages[SOURCE_REGIONS];
    int break_every;   /* each so many-th request breaks its connection, in the middle of the answer */
    int silent_from;   /* from this request on there are no answers; 0: never */
    int wrong_every;   /* each so many-th answer is for another page */
    int die_at;        /* the process ends at this request; 0: never */
    int unknown_role;  /* refuses connections for faults, as an older source */
};

struct source {
    pid_t process;
    char address[128];
};

/* Starts it on a TCP port, or on a Unix socket at a path. Only while this process has one thread. */
struct source source_start(const struct source_manner *manner, const char *unix_path);

void source_stop(struct source *source);

/* Byte at an offset of a region: each 7th page is zero, each 11th is free and holds a pattern. */
uint8_t source_byte(uint32_t region, uint64_t offset);

#endif
