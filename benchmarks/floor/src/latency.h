/* Latencies, every one of them kept, so that percentiles are exact. */
#ifndef FLOOR_LATENCY_H
#define FLOOR_LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latencies {
    uint64_t *ns;
    size_t count;
    size_t capacity;
};

struct latency_summary {
    size_t count;
    uint64_t p50_ns;
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t max_ns;
    double mean_ns;
};

void latencies_open(struct latencies *latencies, size_t capacity);
void latencies_close(struct latencies *latencies);

static inline void latencies_add(struct latencies *latencies, uint64_t ns)
{
    if (latencies->count < latencies->capacity)
        latencies->ns[latencies->count++] = ns;
}

/* Sorts, then takes percentiles by nearest rank. All zero when there are none. */
struct latency_summary latencies_summarize(struct latencies *latencies);

#endif
