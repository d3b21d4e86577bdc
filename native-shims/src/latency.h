/*
 * A histogram of latencies that signal handlers fill: 64 buckets for each power of two, so that a value is kept to 1.6 %.
 * Values below 64 ns have a bucket each; those above 2^42 ns (73 minutes) go into the last. Wait-free.
 */
#ifndef USERLOAD_LATENCY_H
#define USERLOAD_LATENCY_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    USERLOAD_LATENCY_SUB_BITS = 6,
    USERLOAD_LATENCY_TOP_BIT = 42,
    USERLOAD_LATENCY_BUCKETS = (USERLOAD_LATENCY_TOP_BIT - USERLOAD_LATENCY_SUB_BITS + 1) << USERLOAD_LATENCY_SUB_BITS,
};

struct userload_latencies {
    _Atomic uint64_t counts[USERLOAD_LATENCY_BUCKETS];
};

/* The bucket of v: its top bit gives the power of two, the 6 bits below that the place in it. */
static inline uint32_t userload_latency_bucket(uint64_t nanos)
{
    uint32_t shift;

    if (nanos >> USERLOAD_LATENCY_SUB_BITS == 0)
        return (uint32_t)nanos;
    if (nanos >> USERLOAD_LATENCY_TOP_BIT != 0)
        return USERLOAD_LATENCY_BUCKETS - 1;
    shift = 63 - (uint32_t)__builtin_clzll(nanos) - USERLOAD_LATENCY_SUB_BITS;
    return (shift << USERLOAD_LATENCY_SUB_BITS) + (uint32_t)(nanos >> shift);
}

static inline void userload_latency_record(struct userload_latencies *latencies, int64_t nanos)
{
    uint32_t bucket = userload_latency_bucket(nanos < 0 ? 0 : (uint64_t)nanos);

    atomic_fetch_add_explicit(&latencies->counts[bucket], 1, memory_order_relaxed);
}

#endif
