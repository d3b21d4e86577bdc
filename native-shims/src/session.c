#include "session.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "registry.h"

/* Pages given back with the gate shut: well below a millisecond. */
enum { PAGES_AT_ONCE = 2048 };

struct userload_range *userload_find_range(struct userload_session *session, uint64_t address)
{
    uint32_t low = 0;
    uint32_t high = session->range_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct userload_range *range = &session->ranges[middle];

        if (address < range->start)
            high = middle;
        else if (address >= range->end)
            low = middle + 1;
        else
            return range;
    }
    return NULL;
}

int userload_ranges_allocate(struct userload_session *session, uint32_t count)
{
    session->ranges = calloc(count, sizeof *session->ranges);
    session->range_count = session->ranges == NULL ? 0 : count;
    return session->ranges == NULL ? -ENOMEM : 0;
}

int userload_bitmaps_allocate(struct userload_session *session)
{
    for (uint32_t i = 0; i < session->range_count; i++) {
        struct userload_range *range = &session->ranges[i];

        range->words = (((range->end - range->start) >> session->page_shift) + 63) / 64;
        range->fetched = calloc(range->words, sizeof *range->fetched);
        range->summary = calloc((range->words + 63) / 64, sizeof *range->summary);
        if (range->fetched == NULL || range->summary == NULL)
            return -ENOMEM;
    }
    return 0;
}

void userload_bitmaps_free(struct userload_session *session)
{
    for (uint32_t i = 0; i < session->range_count; i++) {
        free((void *)session->ranges[i].fetched);
        free((void *)session->ranges[i].summary);
        session->ranges[i].fetched = NULL;
        session->ranges[i].summary = NULL;
    }
}

void userload_session_free(struct userload_session *session)
{
    userload_bitmaps_free(session);
    free(session->ranges);
    free(session);
}

int userload_is_fetched(const struct userload_range *range, uint64_t page)
{
    return range->fetched != NULL && (atomic_load(&range->fetched[page / 64]) >> page % 64 & 1) != 0;
}

static int64_t installed(int result, int64_t done, uint64_t bytes)
{
    if (result == 0)
        return (int64_t)bytes;
    /* A short install gives EAGAIN and what was done; why it stopped shows when the rest is tried. */
    return done > 0 ? done : -errno;
}

int64_t userload_uffd_copy(int uffd, uint64_t target, uint64_t source, uint64_t bytes)
{
    struct uffdio_copy copy = {.dst = target, .src = source, .len = bytes, .mode = UFFDIO_COPY_MODE_DONTWAKE};
    int result = ioctl(uffd, UFFDIO_COPY, &copy);

    return installed(result, copy.copy, bytes);
}

int64_t userload_uffd_zero(int uffd, uint64_t target, uint64_t bytes)
{
    struct uffdio_zeropage zero = {
        .range = {.start = target, .len = bytes},
        .mode = UFFDIO_ZEROPAGE_MODE_DONTWAKE,
    };
    int result = ioctl(uffd, UFFDIO_ZEROPAGE, &zero);

    return installed(result, zero.zeropage, bytes);
}

void userload_count_installed(struct userload_session *session, uint64_t pages)
{
    if (session->notify_fd >= 0
        && atomic_fetch_sub(&session->missing, (int64_t)pages) == (int64_t)pages) {
        const uint64_t one = 1;
        ssize_t ignored = write(session->notify_fd, &one, sizeof one);

        (void)ignored; /* an eventfd with room */
    }
}

void userload_session_becomes(struct userload_session *session, enum userload_state state)
{
    uint32_t now = atomic_load(&session->state);

    while (now < state && !atomic_compare_exchange_weak(&session->state, &now, state))
        ;
    /* Who is inside may still install; who enters after this sees the state. */
    userload_gate_shut(&session->gate);
    userload_gate_open(&session->gate);
}

void userload_session_close(struct userload_session *session, int handle)
{
    userload_session_becomes(session, USERLOAD_GONE);
    userload_pool_shut_down(&session->pool);
    userload_registry_await_idle(handle);
    userload_pool_close(&session->pool);
    userload_bitmaps_free(session);
}

static int by_start(const void *a, const void *b)
{
    uint64_t first = ((const struct userload_range *)a)->start;
    uint64_t second = ((const struct userload_range *)b)->start;

    return (first > second) - (first < second);
}

void userload_ranges_sort(struct userload_session *session)
{
    qsort(session->ranges, session->range_count, sizeof *session->ranges, by_start);
}

static int64_t install(struct userload_session *session, uint64_t target, uint64_t source, uint64_t bytes, int zero)
{
    int64_t done = -ECANCELED;

    userload_gate_enter(&session->gate);
    if (atomic_load(&session->state) == USERLOAD_ACTIVE) {
        done = zero ? userload_uffd_zero(session->uffd, target, bytes)
                    : userload_uffd_copy(session->uffd, target, source, bytes);
        if (done > 0)
            userload_count_installed(session, (uint64_t)done >> session->page_shift);
    }
    userload_gate_leave(&session->gate);
    return done;
}

int64_t userload_install_pages(struct userload_session *session, uint64_t target, uint64_t source, uint64_t bytes)
{
    return install(session, target, source, bytes, 0);
}

int64_t userload_install_zero(struct userload_session *session, uint64_t target, uint64_t bytes)
{
    return install(session, target, 0, bytes, 1);
}

/* The gate is shut: nobody else installs, and every page was dropped. */
static int zero_all(const struct userload_session *session, uint64_t target, uint64_t bytes)
{
    while (bytes > 0) {
        int64_t done = userload_uffd_zero(session->uffd, target, bytes);

        if (done > 0) {
            target += (uint64_t)done;
            bytes -= (uint64_t)done;
        } else if (done == -EAGAIN) {
            sched_yield();
        } else {
            return (int)done;
        }
    }
    return 0;
}

static int drop_piece(struct userload_session *session, uint64_t target, uint64_t bytes)
{
    uint32_t state;
    int result = 0;

    userload_gate_shut(&session->gate);
    state = atomic_load(&session->state);
    if (state == USERLOAD_FAILED)
        result = -EIO;
    else if (madvise((void *)(uintptr_t)target, bytes, MADV_DONTNEED) != 0)
        result = -errno;
    else if (state == USERLOAD_ACTIVE)
        result = zero_all(session, target, bytes);
    userload_gate_open(&session->gate);
    return result;
}

int userload_drop_pages(struct userload_session *session, uint64_t target, uint64_t bytes)
{
    uint64_t most = (uint64_t)PAGES_AT_ONCE << session->page_shift;

    for (uint64_t done = 0; done < bytes; done += most) {
        int result = drop_piece(session, target + done, bytes - done < most ? bytes - done : most);

        if (result != 0)
            return result;
    }
    return 0;
}
