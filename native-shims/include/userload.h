/*
 * Userload for C programs: memory that appears when it is touched. See userload(3).
 *
 * Two ways: userload_open gives a program the memory of a Userload source, page by page on touch and in bulk behind; and
 * set_muserload with muserload leaves it to the program where pages come from.
 *
 * Functions that return int give 0 or more, or a negative error number of errno.h. Linux 4.14 or later, on x86-64 or aarch64.
 */
#ifndef USERLOAD_H
#define USERLOAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define USERLOAD_PUBLIC __attribute__((visibility("default")))

/*
 * From now on a touch of a missing page of [start, start + length) delivers a signal to the touching thread, with the address
 * in si_addr; when its handler returns, the access is tried again. The handler should have put the page in place by muserload.
 *
 * The range is anonymous private memory, page-aligned. Pages that are present stay as they are; MADV_DONTNEED makes them
 * missing. With a signal other than SIGBUS the signal must have a handler and must not be blocked when the touch happens:
 * else it is a SIGBUS. System calls that meet a missing page fail with EFAULT.
 *
 * -EINVAL for a range that is not aligned or a signal that cannot be handled, -EBUSY when pages of it are set already, -EPERM
 * when userfaultfd is not permitted, -EOPNOTSUPP when the kernel cannot do this, -ENOMEM for more than 1024 ranges.
 */
USERLOAD_PUBLIC int set_muserload(void *start, size_t length, int signal_number);

/*
 * Puts the page at from in place at to, where a page of a range of set_muserload is missing. The page is moved, not copied,
 * where the kernel can do that; in any case from is an empty page afterwards. Async-signal-safe.
 *
 * Both are page-aligned; from is present, anonymous private memory of one owner. -EEXIST when the page at to is no longer
 * missing: it is left as it is, and from too. -ENOENT when to is in no range, or from is not there.
 */
USERLOAD_PUBLIC int muserload(void *from, void *to);

/* Ends what set_muserload began, for exactly one of its ranges: missing pages are zero pages. -ENOENT for any other range. */
USERLOAD_PUBLIC int unset_muserload(void *start, size_t length);

/* A session with a source. */
struct userload;

/* How a session works; 0 means the default. Set size to sizeof(struct userload_options). */
struct userload_options {
    size_t size;
    uint32_t connections; /* on which threads ask for their own pages, 1 to 256; 8 */
    uint32_t deadline_ms; /* how long a page may be awaited; 30000 */
    uint32_t window;      /* pages that the source may have on the way in the stream, 1 to 2^20; 1024 */
    uint32_t no_stream;   /* not 0: pages come when they are touched, and not by themselves */
};

/* What has happened so far. */
struct userload_statistics {
    size_t size; /* set by the caller to sizeof(struct userload_statistics) */
    uint64_t pages;           /* of all regions */
    uint64_t pages_missing;
    uint64_t pages_on_demand; /* installed by threads that touched them */
    uint64_t pages_in_stream;
    uint64_t pages_zero;      /* of these two, those that came as zero or free pages */
    uint64_t duplicates;      /* that came when they were in place */
    uint64_t faults;          /* touches of missing pages */
    uint64_t faults_failed;
    uint64_t blocked_ns;      /* that touching threads have waited, together */
    uint64_t reconnects;
    uint64_t fault_p50_ns;    /* of faults that were served; to 1.6 % */
    uint64_t fault_p99_ns;
};

/*
 * Connects to the source at HOST:PORT, [IPV6]:PORT or unix:PATH and maps its memory; all of it can be used at once, by any
 * thread. A missing page is fetched by the thread that touches it, in a handler of SIGBUS; other SIGBUS go to the handler that
 * was there before, so set up your own before the first call. options may be NULL.
 *
 * On an error *session is NULL, and userload_error(NULL) says more.
 */
USERLOAD_PUBLIC int userload_open(const char *address, const struct userload_options *options,
                                  struct userload **session);

/* The regions of the source's memory. An index that is too large gives 0 or NULL. */
USERLOAD_PUBLIC uint32_t userload_region_count(const struct userload *session);
USERLOAD_PUBLIC void *userload_region_address(const struct userload *session, uint32_t region);
USERLOAD_PUBLIC size_t userload_region_length(const struct userload *session, uint32_t region);
USERLOAD_PUBLIC uint64_t userload_region_guest_address(const struct userload *session, uint32_t region);

/*
 * Waits until every page is in place: 0. -ETIMEDOUT after so many milliseconds (negative: never); any other error when the
 * session has failed. Then present pages stay usable, and a touch of a missing one is a SIGBUS for the handler that was there
 * before.
 */
USERLOAD_PUBLIC int userload_wait(struct userload *session, int timeout_ms);

USERLOAD_PUBLIC int userload_get_statistics(const struct userload *session, struct userload_statistics *statistics);

/* Why the session has failed, or with NULL why this thread's last userload_open has; "" when it has not. */
USERLOAD_PUBLIC const char *userload_error(const struct userload *session);

/* Ends the session and unmaps its memory, which no thread may use any more. NULL is allowed. */
USERLOAD_PUBLIC void userload_close(struct userload *session);

#ifdef __cplusplus
}
#endif

#endif
