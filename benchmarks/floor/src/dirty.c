#include "dirty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "latency.h"
#include "memory.h"
#include "pagemap.h"
#include "pattern.h"

struct tracker {
    int uffd;
    int pagemap;
    uint8_t *memory;
    size_t bytes;
    struct page_region *runs;
    size_t most_runs;
};

static uint8_t *map_huge(size_t bytes)
{
    uint8_t *memory = memory_map_missing(bytes);
    madvise(memory, bytes, MADV_HUGEPAGE); /* a wish */
    for (size_t at = 0; at < bytes; at += PAGE_BYTES)
        memory[at] = 1;
    return memory;
}

static uint64_t tracker_start_ns(struct tracker *tracker)
{
    tracker->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    if (tracker->uffd < 0)
        fail_call("userfaultfd");
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
    };
    if (ioctl(tracker->uffd, UFFDIO_API, &api) != 0)
        fail_call("ioctl(UFFDIO_API, WP_ASYNC), which needs Linux 6.7");
    tracker->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (tracker->pagemap < 0)
        fail_call("open(/proc/self/pagemap)");

    uint64_t start_ns = now_ns();
    struct uffdio_register range = {
        .range = {.start = (uintptr_t)tracker->memory, .len = tracker->bytes},
        .mode = UFFDIO_REGISTER_MODE_WP,
    };
    if (ioctl(tracker->uffd, UFFDIO_REGISTER, &range) != 0)
        fail_call("ioctl(UFFDIO_REGISTER)");
    struct uffdio_writeprotect protect = {
        .range = range.range,
        .mode = UFFDIO_WRITEPROTECT_MODE_WP,
    };
    if (ioctl(tracker->uffd, UFFDIO_WRITEPROTECT, &protect) != 0)
        fail_call("ioctl(UFFDIO_WRITEPROTECT)");
    return now_ns() - start_ns;
}

/* How many pages were written since the last call; they are protected again. */
static size_t collect(struct tracker *tracker)
{
    struct pm_scan_arg scan = {
        .size = sizeof scan,
        .flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
        .start = (uintptr_t)tracker->memory,
        .end = (uintptr_t)tracker->memory + tracker->bytes,
        .vec = (uintptr_t)tracker->runs,
        .vec_len = tracker->most_runs,
        .category_mask = PAGE_IS_WRITTEN,
        .return_mask = PAGE_IS_WRITTEN,
    };
    int runs = ioctl(tracker->pagemap, PAGEMAP_SCAN, &scan);
    if (runs < 0)
        fail_call("ioctl(PAGEMAP_SCAN)");
    size_t pages = 0;
    for (int i = 0; i < runs; i++)
        pages += (tracker->runs[i].end - tracker->runs[i].start) / PAGE_BYTES;
    return pages;
}

/* Moves `count` random pages, none twice, to the front. */
static void shuffle(uint32_t *order, size_t pages, size_t count, uint64_t *state)
{
    for (size_t i = 0; i < count; i++) {
        size_t other = i + random_below(state, pages - i);
        uint32_t page = order[other];
        order[other] = order[i];
        order[i] = page;
    }
}

/* Writes one word of each page; the time of one write. */
static uint64_t write_ns(uint8_t *memory, const uint32_t *order, size_t count, uint64_t value)
{
    uint64_t start_ns = now_ns();
    for (size_t i = 0; i < count; i++)
        *(volatile uint64_t *)(memory + order[i] * PAGE_BYTES) = value;
    return (now_ns() - start_ns) / count;
}

struct result scenario_dirty(const struct options *options)
{
    affinity_pin(options->pin, ROLE_TOUCHER);
    struct tracker tracker = {.bytes = options->pages * PAGE_BYTES, .most_runs = options->touches};
    tracker.memory = map_huge(tracker.bytes);
    tracker.runs = memory_map_present(tracker.most_runs * sizeof *tracker.runs);
    uint32_t *order = memory_map_present(options->pages * sizeof *order);
    for (size_t i = 0; i < options->pages; i++)
        order[i] = (uint32_t)i;
    uint64_t state = mix64(options->seed);
    struct latencies untracked, first, second, scans;
    latencies_open(&untracked, options->rounds);
    latencies_open(&first, options->rounds);
    latencies_open(&second, options->rounds);
    latencies_open(&scans, options->rounds);

    for (size_t i = 0; i < options->rounds; i++) {
        shuffle(order, options->pages, options->touches, &state);
        latencies_add(&untracked, write_ns(tracker.memory, order, options->touches, i));
    }
    struct result result = {.dirty_start_ns = tracker_start_ns(&tracker)};
    for (size_t i = 0; i < options->rounds; i++) {
        shuffle(order, options->pages, options->touches, &state);
        latencies_add(&first, write_ns(tracker.memory, order, options->touches, i));
        latencies_add(&second, write_ns(tracker.memory, order, options->touches, i));
        uint64_t start_ns = now_ns();
        size_t found = collect(&tracker);
        latencies_add(&scans, now_ns() - start_ns);
        result.total_ns += scans.ns[i];
        if (found != options->touches)
            fail("the scan found %zu pages where %zu were written", found, options->touches);
    }
    result.scan_ns = latencies_summarize(&scans).p50_ns;
    result.untracked_write_ns = latencies_summarize(&untracked).p50_ns;
    result.first_write_ns = latencies_summarize(&first).p50_ns;
    result.second_write_ns = latencies_summarize(&second).p50_ns;

    latencies_close(&untracked);
    latencies_close(&first);
    latencies_close(&second);
    latencies_close(&scans);
    memory_unmap(order, options->pages * sizeof *order);
    memory_unmap(tracker.runs, tracker.most_runs * sizeof *tracker.runs);
    memory_unmap(tracker.memory, tracker.bytes);
    close(tracker.pagemap);
    close(tracker.uffd);
    return result;
}
