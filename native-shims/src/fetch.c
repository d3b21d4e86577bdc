/*
 * The way of a page on the thread that needs it: a slot, a request, the answer, the install. Async-signal-safe.
 *
 * An answer that does not come in time may still come; so that nobody takes it for the answer to his own request, the slot's
 * connection is given up and opened again by its next holder. The same goes for an answer that is wrong.
 */
#include <errno.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "session.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

struct asked {
    struct userload_session *session;
    struct userload_range *range;
    uint64_t page;
    struct userload_slot *slot;
    const struct userload_patience *patience;
    int is_late; /* a wait has used some of the time: what a socket waits by itself would be too long */
};

static void note(struct userload_session *session, struct userload_range *range, uint64_t page)
{
    atomic_fetch_add_explicit(&session->counts.installed, 1, memory_order_relaxed);
    if (range->fetched != NULL) {
        uint64_t word = page / 64;

        atomic_fetch_or(&range->fetched[word], (uint64_t)1 << page % 64);
        atomic_fetch_or(&range->summary[word / 64], (uint64_t)1 << word % 64);
    }
    userload_count_installed(session, 1);
}

/* Installs the slot's page, or a zero page. Noted inside the gate: who has shut it knows of every page. */
static int install(const struct asked *asked, int zero)
{
    struct userload_session *session = asked->session;
    uint64_t bytes = (uint64_t)1 << session->page_shift;
    uint64_t target = asked->range->start + (asked->page << session->page_shift);

    for (;;) {
        int64_t done = -ECANCELED;

        userload_gate_enter(&session->gate);
        if (atomic_load(&session->state) == USERLOAD_ACTIVE) {
            done = zero ? userload_uffd_zero(session->uffd, target, bytes)
                        : userload_uffd_copy(session->uffd, target, (uintptr_t)asked->slot->page, bytes);
            if (done > 0)
                note(session, asked->range, asked->page);
        }
        userload_gate_leave(&session->gate);
        if (done > 0)
            return 0;
        switch (done) {
        case -EEXIST:
            atomic_fetch_add_explicit(&session->counts.duplicates, 1, memory_order_relaxed);
            return 0;
        case -ENOENT:
        case -ESRCH:
            return USERLOAD_TRY_AGAIN;
        case -EAGAIN: {
            int over = userload_patience_over(asked->patience);

            if (over != 0)
                return over;
            sched_yield();
            break;
        }
        default:
            return (int)done;
        }
    }
}

/* The source has dropped the page because it is in place here. That is believed when it is so. */
static int already_installed(const struct asked *asked)
{
    uint64_t bytes = (uint64_t)1 << asked->session->page_shift;
    uint64_t target = asked->range->start + (asked->page << asked->session->page_shift);

    while (madvise((void *)(uintptr_t)target, bytes, MADV_POPULATE_READ) != 0) {
        if (errno != EINTR && errno != EAGAIN)
            return errno == EFAULT ? -EPROTO : -errno;
        if (userload_patience_over(asked->patience) != 0)
            return -ETIMEDOUT;
    }
    atomic_fetch_add_explicit(&asked->session->counts.duplicates, 1, memory_order_relaxed);
    return 0;
}

static int send_request(const struct asked *asked)
{
    uint8_t frame[USERLOAD_HEADER_BYTES];
    size_t sent = 0;
    const struct userload_header request = {
        .type = USERLOAD_REQUEST,
        .region = (uint16_t)asked->range->index,
        .first_page = asked->page,
        .count = 1,
        .id = ++asked->slot->id,
    };

    userload_header_put(frame, &request);
    while (sent < sizeof frame) {
        ssize_t more = send(asked->slot->fd, frame + sent, sizeof frame - sent, MSG_NOSIGNAL);

        if (more > 0)
            sent += (size_t)more;
        else if (errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    return 0;
}

/* Waits for the rest of the time at most. */
static int await_input(const struct asked *asked)
{
    struct pollfd waited = {.fd = asked->slot->fd, .events = POLLIN};

    for (;;) {
        int over = userload_patience_over(asked->patience);

        if (over != 0)
            return over;
        if (poll(&waited, 1, userload_patience_step_ms(asked->patience)) > 0)
            return 0;
    }
}

/* Receives until so many bytes of an answer are there; takes up to most, as they come. */
static int receive(struct asked *asked, uint8_t *frame, size_t *got, size_t needed, size_t most)
{
    while (*got < needed) {
        int over = asked->is_late ? await_input(asked) : 0;
        ssize_t more;

        if (over != 0)
            return over;
        more = recv(asked->slot->fd, frame + *got, most - *got, 0);

        if (more > 0) {
            *got += (size_t)more;
        } else if (more == 0) {
            return -ECONNRESET;
        } else if (errno == EAGAIN) {
            return -ETIMEDOUT;
        } else if (errno != EINTR) {
            return -errno;
        }
        if (*got < needed)
            asked->is_late = 1;
    }
    return 0;
}

/* A session has one word for free pages. */
static int check_free_word(struct userload_session *session, uint64_t word)
{
    uint32_t unknown = 0;

    if (atomic_compare_exchange_strong(&session->free_word_known, &unknown, 1)) {
        atomic_store(&session->free_word, word);
        atomic_store(&session->free_word_known, 2);
        return 0;
    }
    while (atomic_load(&session->free_word_known) != 2)
        sched_yield();
    return atomic_load(&session->free_word) == word ? 0 : -EPROTO;
}

/* Free pages hold a word; on the wire it is a number, in memory it is little-endian. */
static int install_free(const struct asked *asked, const uint8_t *body)
{
    uint64_t word = userload_get64(body);
    uint8_t *page = asked->slot->page;
    uint64_t bytes = (uint64_t)1 << asked->session->page_shift;
    int result = check_free_word(asked->session, word);

    if (result != 0)
        return result;
    if (word == 0)
        return install(asked, 1);
    for (uint64_t at = 0; at < bytes; at++)
        page[at] = (uint8_t)(word >> at % 8 * 8);
    return install(asked, 0);
}

static int answered(struct asked *asked)
{
    uint64_t page_bytes = (uint64_t)1 << asked->session->page_shift;
    uint8_t *frame = asked->slot->page - USERLOAD_HEADER_BYTES;
    size_t most = USERLOAD_HEADER_BYTES + page_bytes;
    size_t got = 0;
    struct userload_header header;
    int result = receive(asked, frame, &got, USERLOAD_HEADER_BYTES, most);

    if (result == 0)
        result = userload_header_get(frame, &header);
    if (result != 0)
        return result;
    if (header.type == USERLOAD_ERROR)
        return -ECONNREFUSED;
    if (header.region != asked->range->index || header.first_page != asked->page || header.count != 1
        || header.id != asked->slot->id || header.body_bytes > page_bytes)
        return -EPROTO;
    result = receive(asked, frame, &got, USERLOAD_HEADER_BYTES + header.body_bytes, most);
    if (result != 0)
        return result;
    if (got != USERLOAD_HEADER_BYTES + header.body_bytes)
        return -EPROTO;
    atomic_fetch_add_explicit(&asked->session->counts.wire_bytes, USERLOAD_HEADER_BYTES + got,
                              memory_order_relaxed);
    switch (header.type) {
    case USERLOAD_PAGES:
        return header.body_bytes == page_bytes ? install(asked, 0) : -EPROTO;
    case USERLOAD_ZERO:
        atomic_fetch_add_explicit(&asked->session->counts.zero, 1, memory_order_relaxed);
        return header.body_bytes == 0 ? install(asked, 1) : -EPROTO;
    case USERLOAD_FREE:
        if (header.body_bytes != 8 || (asked->slot->features & USERLOAD_FEATURE_FREE) == 0)
            return -EPROTO;
        return install_free(asked, asked->slot->page);
    case USERLOAD_INSTALLED:
        if (header.body_bytes != 0 || (asked->slot->features & USERLOAD_FEATURE_RELEASE_SOURCE) == 0)
            return -EPROTO;
        return already_installed(asked);
    default:
        return -EPROTO;
    }
}

/* Whether an error says no more than that the connection is gone. */
static int is_lost_connection(int error)
{
    return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN || error == -ECONNABORTED;
}

static int ask(struct asked *asked)
{
    for (;;) {
        int result = 0;

        if (asked->slot->broken) {
            asked->is_late = 1;
            result = userload_pool_reconnect(&asked->session->pool, asked->slot, asked->patience);
        }
        if (result != 0)
            return result;
        /* Whoever ends the session changes the state and then shuts the connections down: one of the two is seen. */
        result = userload_patience_cancelled(asked->patience);
        if (result != 0)
            return result;
        result = send_request(asked);
        if (result == 0)
            result = answered(asked);
        if (result >= 0)
            return result;
        asked->slot->broken = 1;
        if (!is_lost_connection(result))
            return result;
    }
}

int userload_fetch(struct userload_session *session, struct userload_range *range, uint64_t page, int64_t now_ns)
{
    const struct userload_patience patience = {
        .deadline_ns = now_ns + session->pool.timeout_ns,
        .word = &session->state,
        .value = USERLOAD_ACTIVE,
    };
    struct asked asked = {.session = session, .range = range, .page = page, .patience = &patience};
    int result = userload_patience_cancelled(&patience);

    atomic_fetch_add_explicit(&session->counts.faults, 1, memory_order_relaxed);
    if (result == 0)
        asked.slot = userload_pool_take(&session->pool, &patience, &result, &asked.is_late);
    if (result == 0) {
        result = ask(&asked);
        userload_pool_give_back(&session->pool, asked.slot);
    }
    if (result >= 0)
        return result;
    if (atomic_load(&session->state) == USERLOAD_GONE)
        return USERLOAD_TRY_AGAIN;
    atomic_fetch_add_explicit(&session->counts.failures, 1, memory_order_relaxed);
    return result == -ECANCELED ? -EIO : result;
}
