#include "touch.h"

#include <errno.h>
#include <pthread.h>

#include "affinity.h"
#include "clock.h"
#include "fail.h"
#include "memory.h"
#include "pattern.h"

static inline void touch(const struct destination *destination, size_t page)
{
    (void)*(const volatile uint64_t *)(destination->memory + page * PAGE_BYTES);
}

static inline uint64_t timed_touch_ns(const struct destination *destination, size_t page)
{
    uint64_t start_ns = now_ns();
    touch(destination, page);
    return now_ns() - start_ns;
}

/* The order of touches must not be the contents of memory, which have the same generator. */
static uint64_t order_seed(const struct options *options)
{
    return mix64(options->seed);
}

/* The first `count` pages of a random permutation of all. */
static uint32_t *random_order(const struct options *options, size_t count)
{
    uint32_t *order = memory_map_present(options->pages * sizeof *order);
    uint64_t state = order_seed(options);
    for (size_t i = 0; i < options->pages; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; i < count; i++) {
        size_t other = i + random_below(&state, options->pages - i);
        uint32_t page = order[other];
        order[other] = order[i];
        order[i] = page;
    }
    return order;
}

/* A thread's part of the touches. */
struct part {
    const struct options *options;
    const struct destination *destination;
    const uint32_t *order;
    size_t count;
    struct latencies latencies;
    pthread_t thread;
};

static void *touch_part(void *argument)
{
    struct part *part = argument;
    affinity_pin(part->options->pin, ROLE_TOUCHER);
    for (size_t i = 0; i < part->count; i++)
        latencies_add(&part->latencies, timed_touch_ns(part->destination, part->order[i]));
    return NULL;
}

/* Each thread keeps its latencies in its own part of the array. */
static void touch_in_parts(const struct options *options, const struct destination *destination,
                           const uint32_t *order, struct latencies *latencies)
{
    struct part *parts = memory_map_present(options->touchers * sizeof *parts);
    for (size_t i = 0; i < options->touchers; i++) {
        size_t first = options->touches * i / options->touchers;
        size_t count = options->touches * (i + 1) / options->touchers - first;
        parts[i] = (struct part){
            .options = options,
            .destination = destination,
            .order = order + first,
            .count = count,
            .latencies = {.ns = latencies->ns + first, .count = 0, .capacity = count},
        };
    }
    for (size_t i = 0; i < options->touchers; i++)
        if ((errno = pthread_create(&parts[i].thread, NULL, touch_part, &parts[i])) != 0)
            fail_call("pthread_create(toucher)");
    for (size_t i = 0; i < options->touchers; i++)
        pthread_join(parts[i].thread, NULL);
    latencies->count = options->touches;
    memory_unmap(parts, options->touchers * sizeof *parts);
}

uint64_t touch_missing_ns(const struct options *options, const struct destination *destination,
                          struct latencies *latencies)
{
    size_t end = options->warmup + options->touches;
    uint32_t *order = random_order(options, end);
    size_t i = 0;
    for (; i < options->warmup; i++)
        touch(destination, order[i]);
    uint64_t start_ns = now_ns();
    if (options->touchers > 1)
        touch_in_parts(options, destination, order + i, latencies);
    else
        for (; i < end; i++)
            latencies_add(latencies, timed_touch_ns(destination, order[i]));
    uint64_t total_ns = now_ns() - start_ns;
    memory_unmap(order, options->pages * sizeof *order);
    return total_ns;
}

void touch_all(const struct options *options, const struct destination *destination,
               struct latencies *latencies)
{
    uint32_t *order = random_order(options, options->pages);
    for (size_t i = 0; i < options->pages; i++) {
        if (bitmap_test(destination->received, order[i]))
            touch(destination, order[i]);
        else
            latencies_add(latencies, timed_touch_ns(destination, order[i]));
    }
    memory_unmap(order, options->pages * sizeof *order);
}

void touch_until_complete(const struct options *options, const struct destination *destination,
                          struct latencies *latencies)
{
    uint64_t state = order_seed(options);
    while (!destination_is_complete(destination)) {
        size_t page = random_below(&state, options->pages);
        if (bitmap_test(destination->received, page))
            touch(destination, page);
        else
            latencies_add(latencies, timed_touch_ns(destination, page));
    }
}
