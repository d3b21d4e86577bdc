/* A finished run, as a table or as one JSON object. */
#ifndef FLOOR_REPORT_H
#define FLOOR_REPORT_H

#include "latency.h"
#include "options.h"

struct result {
    struct latency_summary fault_latency; /* count 0: nothing was touched */
    uint64_t total_ns;                    /* fault-*: measured touches; stream: start to complete; dirty: scans */
    uint64_t touched_ns;                  /* stream with touch-all: start until every page was touched */
    uint64_t dirty_start_ns;              /* dirty: to protect all memory for the first time */
    uint64_t scan_ns;                     /* dirty: these four are medians of the rounds */
    uint64_t untracked_write_ns;          /* each per write */
    uint64_t first_write_ns;
    uint64_t second_write_ns;
    size_t pages_demand;
    size_t pages_stream;
    size_t pages_duplicate;
};

void report_table(const struct options *options, const struct result *result);
void report_json(const struct options *options, const struct result *result);

#endif
