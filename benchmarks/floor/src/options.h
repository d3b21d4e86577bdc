/* The command line. */
#ifndef FLOOR_OPTIONS_H
#define FLOOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "affinity.h"

enum scenario { SCENARIO_FAULT_TCP, SCENARIO_FAULT_LOCAL, SCENARIO_FAULT_SIGNAL, SCENARIO_STREAM, SCENARIO_DIRTY };

enum loop { LOOP_POLL, LOOP_BLOCKING };

struct options {
    enum scenario scenario;
    enum pin pin;
    enum loop loop;
    uint64_t seed;
    size_t pages;
    size_t touches;     /* measured; in a round of dirty: pages written */
    size_t warmup;      /* touches before them */
    size_t rounds;      /* of writes and a scan */
    size_t chunk_pages; /* most pages in one stream frame */
    size_t low_water_bytes; /* the stream intake sleeps until so many are there */
    bool toucher;
    bool touch_all;
    size_t touchers;    /* threads that share the touches */
    bool verify;
    bool cold;
    bool json;
};

/* Ends the process for --help (status 0) and for a command line that makes no sense (status 2). */
struct options options_parse(int argc, char **argv);

const char *options_scenario_name(enum scenario scenario);
const char *options_pin_name(enum pin pin);
const char *options_loop_name(enum loop loop);

#endif
