#include "touch.h"

#include "clock.h"
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

uint64_t touch_missing_ns(const struct options *options, const struct destination *destination,
                          struct latencies *latencies)
{
    size_t end = options->warmup + options->touches;
    uint32_t *order = random_order(options, end);
    size_t i = 0;
    for (; i < options->warmup; i++)
        touch(destination, order[i]);
    uint64_t start_ns = now_ns();
    for (; i < end; i++)
        latencies_add(latencies, timed_touch_ns(destination, order[i]));
    uint64_t total_ns = now_ns() - start_ns;
    memory_unmap(order, options->pages * sizeof *order);
    return total_ns;
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
