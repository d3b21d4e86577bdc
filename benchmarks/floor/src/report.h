/* A finished run, as a table or as one JSON object. */
#ifndef FLOOR_REPORT_H
#define FLOOR_REPORT_H

#include "latency.h"
#include "options.h"

struct result {
    struct latency_summary fault_latency; /* count 0: nothing was touched */
    uint64_t total_ns;                    /* fault-*: measured touches; stream: start to complete */
    size_t pages_demand;
    size_t pages_stream;
    size_t pages_duplicate;
};

void report_table(const struct options *options, const struct result *result);
void report_json(const struct options *options, const struct result *result);

#endif
