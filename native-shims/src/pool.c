#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST_PAUSE_MS = 1, LONGEST_PAUSE_MS = 100 };

/* Where a thread looks first: its own slot, unless there are more threads. */
static _Thread_local uint32_t hint;
static _Atomic uint32_t next_hint;

static void futex_wait(_Atomic uint32_t *word, uint32_t value, int milliseconds)
{
    const struct timespec timeout = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &timeout, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static int check(const struct userload_pool *pool, const struct userload_hello *answer)
{
    return memcmp(answer->session, pool->ask.session, USERLOAD_SESSION_BYTES) == 0 ? 0 : -EPROTO;
}

/* A greeted connection, ready for use, or a negative errno. */
static int open_connection(const struct userload_pool *pool, const struct userload_address *to, uint64_t *features,
                           struct userload_refusal *refusal, const struct userload_patience *patience)
{
    struct userload_hello answer;
    int result;
    int fd = userload_dial(to, &pool->ask, &answer, refusal, patience);

    if (fd < 0)
        return fd;
    result = userload_skip(fd, (size_t)answer.regions * USERLOAD_ENTRY_BYTES, patience);
    if (result == 0)
        result = check(pool, &answer);
    if (result == 0)
        result = userload_make_blocking(fd, pool->timeout_ns);
    if (result != 0) {
        close(fd);
        return result;
    }
    *features = answer.features;
    return fd;
}

static int open_first(struct userload_pool *pool, const struct userload_address *addresses, int count,
                      struct userload_refusal *refusal, const struct userload_patience *patience)
{
    int fd = -EHOSTUNREACH;

    for (int i = 0; i < count; i++) {
        fd = open_connection(pool, &addresses[i], &pool->slots[0].features, refusal, patience);
        if (fd >= 0) {
            pool->address = addresses[i];
            return fd;
        }
    }
    return fd;
}

static int describe(int result, const char *address, const struct userload_refusal *refusal, char *error,
                    size_t error_bytes)
{
    if (refusal->code != 0)
        snprintf(error, error_bytes, "source %s refused a connection for faults: %s", address, refusal->text);
    else if (result == -EDEADLK)
        snprintf(error, error_bytes,
                 "source %s is in this process: a thread that waits in a signal handler would wait for itself",
                 address);
    else
        snprintf(error, error_bytes, "cannot open a connection for faults to source %s: %s", address,
                 strerror(-result));
    return result;
}

static int allocate(struct userload_pool *pool)
{
    pool->slots = calloc(pool->count, sizeof *pool->slots);
    if (pool->slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < pool->count; i++)
        pool->slots[i].fd = -1;
    pool->buffer_bytes = (size_t)pool->count * 2 * pool->page_bytes;
    pool->buffers = mmap(NULL, pool->buffer_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                         -1, 0);
    if (pool->buffers == MAP_FAILED) {
        pool->buffers = NULL;
        return -errno;
    }
    for (uint32_t i = 0; i < pool->count; i++)
        pool->slots[i].page = pool->buffers + ((size_t)i * 2 + 1) * pool->page_bytes;
    return 0;
}

static int connect_all(struct userload_pool *pool, const struct userload_address *addresses, int count,
                       struct userload_refusal *refusal)
{
    const struct userload_patience patience = {.deadline_ns = userload_now_ns() + pool->timeout_ns};

    for (uint32_t i = 0; i < pool->count; i++) {
        int fd = i == 0 ? open_first(pool, addresses, count, refusal, &patience)
                        : open_connection(pool, &pool->address, &pool->slots[i].features, refusal, &patience);

        if (fd < 0)
            return fd;
        pool->slots[i].fd = fd;
        if (i == 0) {
            int own = userload_peer_is_own(fd);

            if (own != 0)
                return own < 0 ? own : -EDEADLK;
        }
    }
    return 0;
}

int userload_pool_open(struct userload_pool *pool, const char *address, uint32_t count, uint32_t page_bytes,
                       const uint8_t *session, int64_t timeout_ns, char *error, size_t error_bytes)
{
    struct userload_address addresses[USERLOAD_MAX_ADDRESSES];
    struct userload_refusal refusal = {.code = 0};
    int found = userload_address_resolve(address, addresses, error, error_bytes);
    int result;

    memset(pool, 0, sizeof *pool);
    if (found < 0)
        return found;
    pool->count = count;
    pool->page_bytes = page_bytes;
    pool->timeout_ns = timeout_ns;
    pool->ask.role = USERLOAD_FAULT;
    pool->ask.page_bytes = page_bytes;
    pool->ask.features = USERLOAD_FEATURE_FREE | USERLOAD_FEATURE_FAULTS | USERLOAD_FEATURE_RELEASE_SOURCE;
    memcpy(pool->ask.session, session, USERLOAD_SESSION_BYTES);
    result = allocate(pool);
    if (result == 0)
        result = connect_all(pool, addresses, found, &refusal);
    if (result != 0) {
        describe(result, address, &refusal, error, error_bytes);
        userload_pool_close(pool);
    }
    return result;
}

static struct userload_slot *try_take(struct userload_pool *pool)
{
    if (hint == 0)
        hint = atomic_fetch_add(&next_hint, 1) + 1;
    for (uint32_t i = 0; i < pool->count; i++) {
        uint32_t at = (hint + i) % pool->count;
        uint32_t idle = 0;

        if (atomic_compare_exchange_strong(&pool->slots[at].busy, &idle, 1)) {
            hint += i;
            return &pool->slots[at];
        }
    }
    return NULL;
}

/*
 * Who waits counts itself in and then looks at all slots; who gives one back marks it and then looks at the count. One of the
 * two sees the other.
 */
struct userload_slot *userload_pool_take(struct userload_pool *pool, const struct userload_patience *patience,
                                         int *why, int *waited)
{
    struct userload_slot *slot = try_take(pool);

    *waited = slot == NULL;
    while (slot == NULL) {
        uint32_t seen = atomic_load(&pool->released);

        *why = userload_patience_over(patience);
        if (*why != 0)
            return NULL;
        atomic_fetch_add(&pool->waiting, 1);
        slot = try_take(pool);
        if (slot == NULL)
            futex_wait(&pool->released, seen, userload_patience_step_ms(patience));
        atomic_fetch_sub(&pool->waiting, 1);
        if (slot == NULL)
            slot = try_take(pool);
    }
    *why = 0;
    return slot;
}

void userload_pool_give_back(struct userload_pool *pool, struct userload_slot *slot)
{
    atomic_store(&slot->busy, 0);
    if (atomic_load(&pool->waiting) != 0) {
        atomic_fetch_add(&pool->released, 1);
        futex_wake(&pool->released, 1);
    }
}

/* Whether it is worth to ask again: the source may not have noticed yet that the old connection is gone. */
static int is_final(int result, const struct userload_refusal *refusal)
{
    if (result == -ECANCELED || result == -ETIMEDOUT)
        return 1;
    return refusal->code != 0 && refusal->code != USERLOAD_ROLE_TAKEN;
}

int userload_pool_reconnect(struct userload_pool *pool, struct userload_slot *slot,
                            const struct userload_patience *patience)
{
    int pause = FIRST_PAUSE_MS;

    shutdown(slot->fd, SHUT_RDWR);
    for (;;) {
        struct userload_refusal refusal;
        int result = userload_patience_over(patience);
        int fd;

        if (result != 0)
            return result;
        fd = open_connection(pool, &pool->address, &slot->features, &refusal, patience);
        if (fd >= 0) {
            result = dup3(fd, slot->fd, O_CLOEXEC) < 0 ? -errno : 0;
            close(fd);
            if (result != 0)
                return result;
            slot->broken = 0;
            atomic_fetch_add_explicit(&pool->reconnects, 1, memory_order_relaxed);
            return 0;
        }
        if (is_final(fd, &refusal))
            return fd;
        result = userload_patience_sleep(patience, pause);
        if (result != 0)
            return result;
        pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
    }
}

void userload_pool_shut_down(struct userload_pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++)
        shutdown(pool->slots[i].fd, SHUT_RDWR);
    atomic_fetch_add(&pool->released, 1);
    futex_wake(&pool->released, 1 << 30);
}

void userload_pool_close(struct userload_pool *pool)
{
    for (uint32_t i = 0; pool->slots != NULL && i < pool->count; i++)
        if (pool->slots[i].fd >= 0)
            close(pool->slots[i].fd);
    free(pool->slots);
    pool->slots = NULL;
    if (pool->buffers != NULL)
        munmap(pool->buffers, pool->buffer_bytes);
    pool->buffers = NULL;
    pool->count = 0;
}
