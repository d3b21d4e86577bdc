#include "scenario.h"

#include "clock.h"
#include "destination.h"
#include "fault.h"
#include "pattern.h"
#include "sigbus.h"
#include "source.h"
#include "stream.h"
#include "touch.h"

static size_t memory_bytes(const struct options *options)
{
    return options->pages * PAGE_BYTES;
}

static void open_destination(struct destination *destination, const struct options *options)
{
    if (!options->cold)
        memory_warm_host(memory_bytes(options));
    destination_open(destination, options->pages, options->loop == LOOP_POLL,
                     options->scenario == SCENARIO_FAULT_SIGNAL);
}

/* Call it when the threads that install pages have ended. */
static void count_pages(struct result *result, const struct destination *destination)
{
    result->pages_demand = destination->installed[PATH_DEMAND];
    result->pages_stream = destination->installed[PATH_STREAM];
    result->pages_duplicate = destination->duplicates;
}

struct result scenario_fault(const struct options *options)
{
    struct source source = {.sync_fd = -1};
    uint8_t *local_memory = NULL;
    if (options->scenario == SCENARIO_FAULT_TCP)
        source = source_start(options);
    else
        local_memory = pattern_map(memory_bytes(options), options->seed);

    affinity_pin(options->pin, ROLE_TOUCHER);
    struct latencies latencies;
    latencies_open(&latencies, options->touches);
    struct destination destination;
    open_destination(&destination, options);
    struct fault_handler handler = {
        .options = options,
        .destination = &destination,
        .sync_fd = source.sync_fd,
        .local_memory = local_memory,
    };
    struct result result = {0};

    fault_handler_start(&handler);
    result.total_ns = touch_missing_ns(options, &destination, &latencies);
    fault_handler_stop(&handler);
    count_pages(&result, &destination);
    result.fault_latency = latencies_summarize(&latencies);

    if (options->verify) { /* which faults in the pages that were not touched */
        fault_handler_start(&handler);
        pattern_verify(destination.memory, memory_bytes(options), options->seed);
        fault_handler_stop(&handler);
    }
    destination_close(&destination);
    latencies_close(&latencies);
    if (local_memory != NULL)
        memory_unmap(local_memory, memory_bytes(options));
    else
        source_stop(&source);
    return result;
}

struct result scenario_fault_signal(const struct options *options)
{
    struct source source = source_start(options);
    affinity_pin(options->pin, ROLE_TOUCHER);
    struct latencies latencies;
    latencies_open(&latencies, options->touches);
    struct destination destination;
    open_destination(&destination, options);
    struct result result = {0};

    signal_handler_start(&destination, source.sync_fd);
    result.total_ns = touch_missing_ns(options, &destination, &latencies);
    count_pages(&result, &destination);
    result.fault_latency = latencies_summarize(&latencies);
    if (options->verify) /* which faults in the pages that were not touched */
        pattern_verify(destination.memory, memory_bytes(options), options->seed);
    signal_handler_stop();
    destination_close(&destination);
    latencies_close(&latencies);
    source_stop(&source);
    return result;
}

struct result scenario_stream(const struct options *options)
{
    struct source source = source_start(options);
    affinity_pin(options->pin, ROLE_TOUCHER);
    struct latencies latencies;
    latencies_open(&latencies, options->pages); /* a page is missing once */
    struct destination destination;
    open_destination(&destination, options);
    struct fault_handler handler = {
        .options = options,
        .destination = &destination,
        .sync_fd = source.sync_fd,
    };
    struct stream_intake intake = {
        .options = options,
        .destination = &destination,
        .stream_fd = source.stream_fd,
    };
    struct result result = {0};

    fault_handler_start(&handler);
    stream_intake_start(&intake);
    if (options->toucher)
        touch_until_complete(options, &destination, &latencies);
    if (options->touch_all) {
        touch_all(options, &destination, &latencies);
        result.touched_ns = now_ns() - intake.started_at_ns;
    }
    destination_await_complete(&destination);
    stream_intake_join(&intake);
    fault_handler_stop(&handler);
    result.total_ns = destination.complete_at_ns - intake.started_at_ns;
    count_pages(&result, &destination);
    result.fault_latency = latencies_summarize(&latencies);

    if (options->verify)
        pattern_verify(destination.memory, memory_bytes(options), options->seed);
    destination_close(&destination);
    latencies_close(&latencies);
    source_stop(&source);
    return result;
}
