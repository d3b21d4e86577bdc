#include "latency.h"

#include <stdlib.h>

#include "memory.h"

void latencies_open(struct latencies *latencies, size_t capacity)
{
    latencies->ns = memory_map_present(capacity * sizeof *latencies->ns);
    latencies->count = 0;
    latencies->capacity = capacity;
}

void latencies_close(struct latencies *latencies)
{
    memory_unmap(latencies->ns, latencies->capacity * sizeof *latencies->ns);
}

static int ascending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The smallest value that is not below `per_mille` of all. */
static uint64_t percentile(const struct latencies *sorted, size_t per_mille)
{
    size_t rank = (sorted->count * per_mille + 999) / 1000;
    return sorted->ns[rank - 1];
}

struct latency_summary latencies_summarize(struct latencies *latencies)
{
    if (latencies->count == 0)
        return (struct latency_summary){0};
    qsort(latencies->ns, latencies->count, sizeof *latencies->ns, ascending);
    double sum_ns = 0;
    for (size_t i = 0; i < latencies->count; i++)
        sum_ns += (double)latencies->ns[i];
    return (struct latency_summary){
        .count = latencies->count,
        .p50_ns = percentile(latencies, 500),
        .p90_ns = percentile(latencies, 900),
        .p99_ns = percentile(latencies, 990),
        .p999_ns = percentile(latencies, 999),
        .max_ns = latencies->ns[latencies->count - 1],
        .mean_ns = sum_ns / (double)latencies->count,
    };
}
