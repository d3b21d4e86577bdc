#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

enum { INDEX_BITS = 8, INDEX_MASK = (1 << INDEX_BITS) - 1, GENERATIONS = 1 << 22 };

struct entry {
    _Atomic(struct userload_session *) session;
    _Atomic uint32_t holders;
    _Atomic uint32_t generation;
    /* All its regions lie between these. A quick look: who has seen an old value has not found a session. */
    _Atomic uint64_t low;
    _Atomic uint64_t high;
};

static struct entry entries[USERLOAD_MAX_SESSIONS];
static _Atomic uint32_t used;
static uint32_t next_reuse;
static pthread_mutex_t changes = PTHREAD_MUTEX_INITIALIZER;

static struct userload_session *hold(struct entry *entry)
{
    atomic_fetch_add(&entry->holders, 1);
    return atomic_load(&entry->session);
}

static void drop(struct entry *entry)
{
    atomic_fetch_sub(&entry->holders, 1);
}

static void await_idle(struct entry *entry)
{
    while (atomic_load(&entry->holders) != 0)
        sched_yield();
}

/* An entry that is empty; else one whose session is over, in turn, so that each stays as long as possible. */
static struct entry *choose(void)
{
    uint32_t count = atomic_load(&used);

    if (count < USERLOAD_MAX_SESSIONS)
        return &entries[count];
    for (uint32_t i = 0; i < USERLOAD_MAX_SESSIONS; i++) {
        struct entry *entry = &entries[next_reuse++ % USERLOAD_MAX_SESSIONS];

        struct userload_session *session = atomic_load(&entry->session);

        if (atomic_load(&session->state) == USERLOAD_GONE && atomic_load(&session->owned) == 0)
            return entry;
    }
    return NULL;
}

static int put(struct entry *entry, struct userload_session *session)
{
    struct userload_session *before = atomic_load(&entry->session);
    uint32_t generation = (atomic_load(&entry->generation) + 1) % GENERATIONS;

    atomic_store(&entry->low, UINT64_MAX);
    atomic_store(&entry->session, NULL);
    await_idle(entry);
    if (before != NULL)
        userload_session_free(before);
    atomic_store(&entry->generation, generation);
    atomic_store(&entry->high, session->ranges[session->range_count - 1].end);
    atomic_store(&entry->session, session);
    atomic_store(&entry->low, session->ranges[0].start);
    if (entry == &entries[atomic_load(&used)])
        atomic_fetch_add(&used, 1);
    return (int)(generation << INDEX_BITS | (uint32_t)(entry - entries));
}

int userload_registry_add(struct userload_session *session)
{
    struct entry *entry;
    int handle = -EMFILE;

    pthread_mutex_lock(&changes);
    entry = choose();
    if (entry != NULL)
        handle = put(entry, session);
    pthread_mutex_unlock(&changes);
    return handle;
}

struct userload_session *userload_registry_find(uint64_t address, struct userload_range **range, int *handle)
{
    uint32_t count = atomic_load(&used);

    /* A live session first: memory that was given back may be a later session's. */
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            struct entry *entry = &entries[i];
            struct userload_session *session;

            if (address < atomic_load(&entry->low) || address >= atomic_load(&entry->high))
                continue;
            session = hold(entry);
            if (session != NULL && (pass == 1 || atomic_load(&session->state) != USERLOAD_GONE)) {
                *range = userload_find_range(session, address);
                if (*range != NULL) {
                    *handle = (int)i;
                    return session;
                }
            }
            drop(entry);
        }
    }
    return NULL;
}

struct userload_session *userload_registry_hold(int handle)
{
    struct entry *entry;
    struct userload_session *session;

    if (handle < 0 || (handle & INDEX_MASK) >= USERLOAD_MAX_SESSIONS)
        return NULL;
    entry = &entries[handle & INDEX_MASK];
    session = hold(entry);
    if (session != NULL
        && atomic_load(&entry->generation) == (uint32_t)handle >> INDEX_BITS)
        return session;
    drop(entry);
    return NULL;
}

void userload_registry_drop(int handle)
{
    drop(&entries[handle & INDEX_MASK]);
}

void userload_registry_await_idle(int handle)
{
    await_idle(&entries[handle & INDEX_MASK]);
}
