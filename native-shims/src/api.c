/* What Java calls. Every call holds its session, so that closing waits for it, and none waits for a thread that runs Java. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler.h"
#include "registry.h"
#include "userload_shim.h"

static int fail_to_open(struct userload_session *session, int result, const struct userload_shim_options *options,
                        const char *what)
{
    snprintf(options->error, options->error_bytes, "%s: %s", what, strerror(-result));
    userload_session_free(session);
    return result;
}

static int set_ranges(struct userload_session *session, const struct userload_shim_options *options)
{
    int result = userload_ranges_allocate(session, options->range_count);

    if (result != 0)
        return result;
    for (uint32_t i = 0; i < options->range_count; i++) {
        session->ranges[i].start = options->ranges[i].start;
        session->ranges[i].end = options->ranges[i].start + options->ranges[i].bytes;
        session->ranges[i].index = options->ranges[i].region;
    }
    userload_ranges_sort(session);
    return userload_bitmaps_allocate(session);
}

int userload_session_open(const struct userload_shim_options *options)
{
    struct userload_session *session = calloc(1, sizeof *session);
    int result;
    int handle;

    if (session == NULL)
        return -ENOMEM;
    atomic_store(&session->state, USERLOAD_ACTIVE);
    session->uffd = options->uffd;
    session->page_shift = (uint32_t)__builtin_ctz(options->page_bytes);
    session->notify_fd = -1;
    result = set_ranges(session, options);
    if (result != 0)
        return fail_to_open(session, result, options, "no memory for the table of regions");
    result = userload_handler_install();
    if (result != 0)
        return fail_to_open(session, result, options, "the handler of SIGBUS cannot be installed");
    result = userload_pool_open(&session->pool, options->address, options->slots, options->page_bytes, options->session,
                                options->timeout_ns, options->error, options->error_bytes);
    if (result != 0) {
        userload_session_free(session);
        return result;
    }
    handle = userload_registry_add(session);
    if (handle < 0) {
        userload_pool_close(&session->pool);
        return fail_to_open(session, handle, options, "there are 64 sessions already");
    }
    return handle;
}

int userload_session_fetch(int handle, uint64_t address)
{
    struct userload_session *session = userload_registry_hold(handle);
    struct userload_range *range;
    int result = -EBADF;

    if (session == NULL)
        return result;
    range = userload_find_range(session, address);
    if (atomic_load(&session->state) == USERLOAD_GONE) {
        result = USERLOAD_TRY_AGAIN;
    } else if (range != NULL) {
        uint64_t page = (address - range->start) >> session->page_shift;

        userload_enter();
        result = userload_is_fetched(range, page) ? 0 : userload_fetch(session, range, page, userload_now_ns());
        userload_leave();
    }
    userload_registry_drop(handle);
    return result;
}

int64_t userload_session_copy(int handle, uint64_t target, uint64_t source, uint64_t bytes)
{
    struct userload_session *session = userload_registry_hold(handle);
    int64_t done;

    if (session == NULL)
        return -EBADF;
    userload_enter();
    done = userload_install_pages(session, target, source, bytes);
    userload_leave();
    userload_registry_drop(handle);
    return done;
}

int64_t userload_session_zero(int handle, uint64_t target, uint64_t bytes)
{
    struct userload_session *session = userload_registry_hold(handle);
    int64_t done;

    if (session == NULL)
        return -EBADF;
    userload_enter();
    done = userload_install_zero(session, target, bytes);
    userload_leave();
    userload_registry_drop(handle);
    return done;
}

int userload_session_drop(int handle, uint64_t target, uint64_t bytes)
{
    struct userload_session *session = userload_registry_hold(handle);
    int result;

    if (session == NULL)
        return -EBADF;
    userload_enter();
    result = userload_drop_pages(session, target, bytes);
    userload_leave();
    userload_registry_drop(handle);
    return result;
}

/* Takes the bits of one word of the summary, as far as there is room. */
static uint32_t collect_summary(struct userload_range *range, uint64_t at, uint64_t *out, uint32_t room)
{
    uint64_t summary = atomic_exchange(&range->summary[at], 0);
    uint32_t found = 0;

    while (summary != 0 && found < room) {
        uint64_t word = at * 64 + (uint64_t)__builtin_ctzll(summary);
        uint64_t bits = atomic_exchange(&range->fetched[word], 0);

        summary &= summary - 1;
        if (bits != 0) {
            out[found * 2] = (uint64_t)range->index << 48 | word;
            out[found * 2 + 1] = bits;
            found++;
        }
    }
    if (summary != 0)
        atomic_fetch_or(&range->summary[at], summary);
    return found;
}

int userload_session_collect(int handle, uint64_t *out, uint32_t most)
{
    struct userload_session *session = userload_registry_hold(handle);
    uint32_t found = 0;

    if (session == NULL)
        return -EBADF;
    if (atomic_load(&session->state) != USERLOAD_GONE)
        for (uint32_t i = 0; i < session->range_count; i++) {
            struct userload_range *range = &session->ranges[i];

            for (uint64_t at = 0; at < (range->words + 63) / 64 && found < most; at++)
                if (atomic_load(&range->summary[at]) != 0)
                    found += collect_summary(range, at, out + (uint64_t)found * 2, most - found);
        }
    userload_registry_drop(handle);
    return (int)found;
}

int userload_session_counts(int handle, uint64_t *out)
{
    struct userload_session *session = userload_registry_hold(handle);

    if (session == NULL)
        return -EBADF;
    out[0] = atomic_load(&session->counts.faults);
    out[1] = atomic_load(&session->counts.installed);
    out[2] = atomic_load(&session->counts.duplicates);
    out[3] = atomic_load(&session->counts.failures);
    out[4] = atomic_load(&session->counts.wire_bytes);
    out[5] = atomic_load(&session->counts.blocked_ns);
    out[6] = atomic_load(&session->pool.reconnects);
    userload_registry_drop(handle);
    return 0;
}

int userload_session_latencies(int handle, uint64_t *out, uint32_t buckets)
{
    struct userload_session *session = userload_registry_hold(handle);

    if (session == NULL)
        return -EBADF;
    for (uint32_t i = 0; i < buckets && i < USERLOAD_LATENCY_BUCKETS; i++)
        out[i] = atomic_load_explicit(&session->latencies.counts[i], memory_order_relaxed);
    userload_registry_drop(handle);
    return USERLOAD_LATENCY_BUCKETS;
}

int userload_session_fail(int handle)
{
    struct userload_session *session = userload_registry_hold(handle);

    if (session == NULL)
        return -EBADF;
    userload_session_becomes(session, USERLOAD_FAILED);
    userload_pool_shut_down(&session->pool);
    userload_registry_drop(handle);
    return 0;
}

int userload_session_end(int handle)
{
    struct userload_session *session = userload_registry_hold(handle);

    if (session == NULL)
        return -EBADF;
    /* Its owner ends a session once, so nothing takes it away between these. */
    userload_registry_drop(handle);
    userload_session_close(session, handle);
    return 0;
}
