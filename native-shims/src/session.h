/* A session's memory as the signal handler sees it, and what it shares with the rest. */
#ifndef USERLOAD_SESSION_H
#define USERLOAD_SESSION_H

#include <stdatomic.h>
#include <stdint.h>

#include "gate.h"
#include "latency.h"
#include "pool.h"

enum userload_state {
    USERLOAD_ACTIVE = 1, /* missing pages are fetched */
    USERLOAD_FAILED = 2, /* the source is lost: a touch of a missing page is for the handler that was there before */
    USERLOAD_GONE = 3,   /* the memory is ordinary memory: whoever still comes tries again */
};

/* One region. Pages fetched here and not collected: a bit each, and a bit for each 64 of them. */
struct userload_range {
    uint64_t start; /* host address */
    uint64_t end;
    uint32_t index; /* in the region table */
    uint64_t words; /* of fetched */
    _Atomic uint64_t *fetched;
    _Atomic uint64_t *summary;
};

/* Of pages that threads have asked for themselves. */
struct userload_counts {
    _Atomic uint64_t faults;
    _Atomic uint64_t installed;
    _Atomic uint64_t zero;
    _Atomic uint64_t duplicates;
    _Atomic uint64_t failures;
    _Atomic uint64_t wire_bytes;
    _Atomic uint64_t blocked_ns; /* in the signal handler */
};

struct userload_session {
    _Atomic uint32_t state;
    _Atomic uint32_t owned; /* somebody has a pointer to it: it must not be freed yet */
    int uffd;
    uint32_t page_shift;
    uint32_t range_count;
    struct userload_range *ranges; /* ascending, not overlapping */
    struct userload_gate gate;
    struct userload_pool pool;
    struct userload_counts counts;
    struct userload_latencies latencies; /* of the signal handler */

    /* What free pages hold, once it is known. */
    _Atomic uint32_t free_word_known;
    _Atomic uint64_t free_word;

    /* For the C client: pages that are missing, and a descriptor to write to when none is; -1 without. */
    _Atomic int64_t missing;
    int notify_fd;
};

/* Told apart from 0, the page is there, and from errors: the memory changes; try the access again. */
enum { USERLOAD_TRY_AGAIN = 1 };

/*
 * Fetches a page, from now on, and installs it where it is still missing. 0, USERLOAD_TRY_AGAIN, or a negative errno: -EIO when the session
 * has failed, -ETIMEDOUT, -EPROTO for a wrong answer, -ECONNREFUSED when the source refuses. Async-signal-safe.
 */
int userload_fetch(struct userload_session *session, struct userload_range *range, uint64_t page, int64_t now_ns);

/* Whether a page was fetched here and not collected yet. */
int userload_is_fetched(const struct userload_range *range, uint64_t page);

/* Pages were installed; to be called inside the gate. */
void userload_count_installed(struct userload_session *session, uint64_t pages);

/*
 * The kernel's answer to an install: bytes that were installed, or a negative errno. Inside the gate. Nobody sleeps on a
 * page, so nobody is woken.
 */
int64_t userload_uffd_copy(int uffd, uint64_t target, uint64_t source, uint64_t bytes);
int64_t userload_uffd_zero(int uffd, uint64_t target, uint64_t bytes);

/*
 * Installs pages for somebody who brings them: bytes that were installed, or a negative errno; -ECANCELED when the session is
 * not active.
 */
int64_t userload_install_pages(struct userload_session *session, uint64_t target, uint64_t source, uint64_t bytes);
int64_t userload_install_zero(struct userload_session *session, uint64_t target, uint64_t bytes);

/* The guest has released pages: they are zero pages from now on, whatever answer is under way. 0 or a negative errno. */
int userload_drop_pages(struct userload_session *session, uint64_t target, uint64_t bytes);

/* Brings ranges into the order of their addresses. */
void userload_ranges_sort(struct userload_session *session);

struct userload_range *userload_find_range(struct userload_session *session, uint64_t address);

/* 0, or -ENOMEM. */
int userload_ranges_allocate(struct userload_session *session, uint32_t count);

/* For sessions whose pages are collected. 0, or -ENOMEM. */
int userload_bitmaps_allocate(struct userload_session *session);
void userload_bitmaps_free(struct userload_session *session);

void userload_session_free(struct userload_session *session);

/* The state alone: what is under way ends soon, by itself. Later states win. */
void userload_session_becomes(struct userload_session *session, enum userload_state state);

/*
 * Ends a session whose memory is registered no more: its memory is ordinary memory, its connections are closed. Waits for
 * threads that are in a fetch, which end at once. The session itself stays, see registry.h. Not for a signal handler.
 */
void userload_session_close(struct userload_session *session, int handle);

#endif
