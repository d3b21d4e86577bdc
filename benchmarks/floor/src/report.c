#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "memory.h"

static bool has_stream(const struct options *options)
{
    return options->scenario == SCENARIO_STREAM;
}

static double stream_mb_per_s(const struct options *options, const struct result *result)
{
    double mb = (double)(options->pages * PAGE_BYTES) / 1e6;
    return mb / ((double)result->total_ns / 1e9);
}

/* What dirty has; the other scenarios have pages that were installed. */
static void json_dirty(const struct options *options, const struct result *result)
{
    printf(",\"dirty\":{\"rounds\":%zu,\"pages_per_round\":%zu,\"start_ns\":%" PRIu64
           ",\"scan_ns\":%" PRIu64 ",\"untracked_write_ns\":%" PRIu64
           ",\"first_write_ns\":%" PRIu64 ",\"second_write_ns\":%" PRIu64 "}",
           options->rounds, options->touches, result->dirty_start_ns, result->scan_ns,
           result->untracked_write_ns, result->first_write_ns, result->second_write_ns);
}

static void row_us(const char *name, double ns)
{
    printf("  %-22s %12.2f us\n", name, ns / 1e3);
}

static void row_count(const char *name, size_t count)
{
    printf("  %-22s %12zu\n", name, count);
}

static void table_dirty(const struct options *options, const struct result *result)
{
    row_count("rounds", options->rounds);
    row_count("pages per round", options->touches);
    row_us("start", (double)result->dirty_start_ns);
    row_us("scan", (double)result->scan_ns);
    row_us("untracked write", (double)result->untracked_write_ns);
    row_us("first write", (double)result->first_write_ns);
    row_us("second write", (double)result->second_write_ns);
}

void report_table(const struct options *options, const struct result *result)
{
    const struct latency_summary *latency = &result->fault_latency;
    printf("%s, C, pin %s, loop %s, %zu pages, seed %" PRIu64 "%s\n",
           options_scenario_name(options->scenario), options_pin_name(options->pin),
           options_loop_name(options->loop), options->pages, options->seed,
           options->verify ? ", verified" : "");
    if (options->scenario == SCENARIO_DIRTY)
        table_dirty(options, result);
    if (latency->count > 0) {
        row_count("faults", latency->count);
        row_us("p50", (double)latency->p50_ns);
        row_us("p90", (double)latency->p90_ns);
        row_us("p99", (double)latency->p99_ns);
        row_us("p99.9", (double)latency->p999_ns);
        row_us("max", (double)latency->max_ns);
        row_us("mean", latency->mean_ns);
    }
    if (has_stream(options))
        printf("  %-22s %12.1f MB/s\n", "stream", stream_mb_per_s(options, result));
    if (options->touch_all)
        row_us("all touched", (double)result->touched_ns);
    row_us("total", (double)result->total_ns);
    row_count("pages by demand", result->pages_demand);
    row_count("pages by stream", result->pages_stream);
    row_count("duplicate pages", result->pages_duplicate);
}

void report_json(const struct options *options, const struct result *result)
{
    const struct latency_summary *latency = &result->fault_latency;
    printf("{\"scenario\":\"%s\",\"implementation\":\"c\",\"pin\":\"%s\",\"loop\":\"%s\","
           "\"page_size_bytes\":%zu,\"pages\":%zu,\"seed\":%" PRIu64,
           options_scenario_name(options->scenario), options_pin_name(options->pin),
           options_loop_name(options->loop), PAGE_BYTES, options->pages, options->seed);
    if (latency->count > 0)
        printf(",\"fault_latency_ns\":{\"count\":%zu,\"p50\":%" PRIu64 ",\"p90\":%" PRIu64
               ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64 ",\"max\":%" PRIu64 ",\"mean\":%.1f}",
               latency->count, latency->p50_ns, latency->p90_ns, latency->p99_ns, latency->p999_ns,
               latency->max_ns, latency->mean_ns);
    if (has_stream(options))
        printf(",\"stream_mb_per_s\":%.1f", stream_mb_per_s(options, result));
    if (options->touch_all)
        printf(",\"touched_us\":%.1f", (double)result->touched_ns / 1e3);
    if (options->scenario == SCENARIO_DIRTY)
        json_dirty(options, result);
    printf(",\"total_us\":%.1f,\"pages_demand\":%zu,\"pages_stream\":%zu,\"pages_duplicate\":%zu}\n",
           (double)result->total_ns / 1e3, result->pages_demand, result->pages_stream,
           result->pages_duplicate);
}
