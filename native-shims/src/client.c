/* userload_open and what goes with it; see userload.h. */
#include "client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler.h"
#include "uffd.h"

enum { PAGE_SHIFT = 12, PAGE_BYTES = 1 << PAGE_SHIFT };
enum { DEFAULT_CONNECTIONS = 8, DEFAULT_DEADLINE_MS = 30000, DEFAULT_WINDOW = 1024 };

static const uint64_t MOST_PAGES = (uint64_t)1 << 32;

static _Thread_local char last_error[USERLOAD_CLIENT_ERROR];

static int describe(int result, const char *what, const char *why)
{
    char text[USERLOAD_CLIENT_ERROR / 2 + 1];

    snprintf(text, sizeof text, "%s", why != NULL ? why : strerror(-result));
    snprintf(last_error, sizeof last_error, "%.200s: %s", what, text);
    return result;
}

static struct userload *allocate(void)
{
    struct userload *client = calloc(1, sizeof *client);

    if (client == NULL)
        return NULL;
    client->control = client->sync = client->stream = client->uffd = client->events = client->handle = -1;
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->changed, NULL);
    client->session = calloc(1, sizeof *client->session);
    if (client->session == NULL) {
        free(client);
        return NULL;
    }
    atomic_store(&client->session->owned, 1);
    client->session->notify_fd = -1;
    client->session->page_shift = PAGE_SHIFT;
    return client;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Also what has been opened by half. */
static void destroy(struct userload *client)
{
    for (uint32_t i = 0; i < client->region_count; i++)
        if (client->regions[i].address != NULL)
            munmap(client->regions[i].address, client->regions[i].bytes);
    if (client->handle < 0)
        userload_session_free(client->session);
    else
        atomic_store(&client->session->owned, 0); /* its addresses stay, see registry.h */
    close_descriptor(client->control);
    close_descriptor(client->sync);
    close_descriptor(client->stream);
    close_descriptor(client->uffd);
    close_descriptor(client->events);
    free(client->regions);
    if (client->chunk != NULL)
        munmap(client->chunk, 2 * USERLOAD_CHUNK_PAGES * PAGE_BYTES);
    pthread_mutex_destroy(&client->lock);
    pthread_cond_destroy(&client->changed);
    free(client);
}

static int read_options(struct userload *client, const struct userload_options *options, uint32_t *connections)
{
    struct userload_options given = {.size = sizeof given};

    if (options != NULL) {
        if (options->size < sizeof given)
            return describe(-EINVAL, "options", "size is not that of struct userload_options");
        given = *options;
    }
    *connections = given.connections == 0 ? DEFAULT_CONNECTIONS : given.connections;
    client->window = given.window == 0 ? DEFAULT_WINDOW : given.window;
    client->no_stream = given.no_stream != 0;
    client->timeout_ns = (int64_t)(given.deadline_ms == 0 ? DEFAULT_DEADLINE_MS : given.deadline_ms) * 1000000;
    if (*connections > USERLOAD_MAX_SLOTS)
        return describe(-EINVAL, "options", "there are 1 to 256 connections");
    if (client->window > USERLOAD_MAX_RUN_PAGES)
        return describe(-EINVAL, "options", "the window is 1 to 2^20 pages");
    return 0;
}

static int map_region(struct userload *client, const uint8_t *entry)
{
    struct userload_client_region *region = &client->regions[client->region_count];
    uint64_t pages = userload_get64(entry + 8);
    void *address;

    if (pages == 0 || pages > MOST_PAGES || client->pages + pages > MOST_PAGES)
        return -EPROTO;
    region->guest_address = userload_get64(entry);
    region->bytes = (size_t)pages << PAGE_SHIFT;
    address = mmap(NULL, region->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        return -errno;
    region->address = address;
    client->region_count++;
    client->pages += pages;
    return 0;
}

static int map_regions(struct userload *client, uint32_t count, const struct userload_patience *patience)
{
    int result = 0;

    if (count == 0)
        return -EPROTO;
    client->regions = calloc(count, sizeof *client->regions);
    if (client->regions == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        uint8_t entry[USERLOAD_ENTRY_BYTES];

        result = userload_receive_all(client->control, entry, sizeof entry, patience);
        if (result == 0)
            result = map_region(client, entry);
    }
    return result;
}

static int refuse(int result, const char *address, const struct userload_refusal *refusal)
{
    char what[USERLOAD_CLIENT_ERROR / 2];

    snprintf(what, sizeof what, refusal->code != 0 ? "source %s has refused" : "cannot open a session with source %s",
             address);
    return describe(result, what,
                    refusal->code != 0    ? refusal->text
                    : result == -EPROTO   ? "it does not speak the Userload protocol"
                    : result == -EPROTONOSUPPORT ? "it speaks another version of the Userload protocol"
                                          : NULL);
}

static int open_control(struct userload *client, const char *address, const struct userload_address *places, int count,
                        struct userload_hello *answer, struct userload_address *used)
{
    const struct userload_patience patience = {.deadline_ns = userload_now_ns() + client->timeout_ns};
    const struct userload_hello ask = {
        .role = USERLOAD_CONTROL,
        .page_bytes = PAGE_BYTES,
        .features = USERLOAD_FEATURE_FREE | USERLOAD_FEATURE_FAULTS,
    };
    struct userload_refusal refusal = {.code = 0};
    int result = -EHOSTUNREACH;

    for (int i = 0; i < count && client->control < 0; i++) {
        result = userload_dial(&places[i], &ask, answer, &refusal, &patience);
        if (result >= 0) {
            client->control = result;
            *used = places[i];
        }
    }
    if (result < 0)
        return refuse(result, address, &refusal);
    client->features = answer->features;
    if ((answer->features & USERLOAD_FEATURE_FAULTS) == 0)
        return describe(-EPROTONOSUPPORT, address, "it knows no connections for faults");
    result = map_regions(client, answer->regions, &patience);
    return result == 0 ? 0 : refuse(result, address, &refusal);
}

static int open_another(struct userload *client, const char *address, enum userload_role role,
                        const struct userload_address *place, const uint8_t *session, int *fd)
{
    const struct userload_patience patience = {.deadline_ns = userload_now_ns() + client->timeout_ns};
    struct userload_hello ask = {
        .role = (uint8_t)role,
        .page_bytes = PAGE_BYTES,
        .features = USERLOAD_FEATURE_FREE | USERLOAD_FEATURE_FAULTS,
    };
    struct userload_hello answer;
    struct userload_refusal refusal;
    int result;

    memcpy(ask.session, session, USERLOAD_SESSION_BYTES);
    *fd = userload_dial(place, &ask, &answer, &refusal, &patience);
    if (*fd < 0)
        return refuse(*fd, address, &refusal);
    result = userload_skip(*fd, (size_t)answer.regions * USERLOAD_ENTRY_BYTES, &patience);
    if (result == 0 && (answer.regions != client->region_count || memcmp(answer.session, session, sizeof ask.session)))
        result = -EPROTO;
    return result == 0 ? 0 : refuse(result, address, &refusal);
}

static int set_ranges(struct userload *client)
{
    int result = userload_ranges_allocate(client->session, client->region_count);

    for (uint32_t i = 0; result == 0 && i < client->region_count; i++) {
        struct userload_range *range = &client->session->ranges[i];

        range->start = (uintptr_t)client->regions[i].address;
        range->end = range->start + client->regions[i].bytes;
        range->index = i;
    }
    if (result == 0)
        userload_ranges_sort(client->session);
    atomic_store(&client->session->missing, (int64_t)client->pages);
    client->session->uffd = client->uffd;
    client->session->notify_fd = client->events;
    atomic_store(&client->session->state, USERLOAD_ACTIVE);
    return result;
}

static int open_memory(struct userload *client)
{
    int has_move;
    int result;

    client->events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->events < 0)
        return describe(-errno, "eventfd", NULL);
    client->chunk = mmap(NULL, 2 * USERLOAD_CHUNK_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (client->chunk == MAP_FAILED) {
        client->chunk = NULL;
        return describe(-errno, "buffers of the stream", NULL);
    }
    client->uffd = userload_uffd_open(&has_move);
    if (client->uffd < 0)
        return describe(client->uffd, "userfaultfd",
                        client->uffd == -EPERM ? "not permitted; run as root, or: sysctl -w vm.unprivileged_userfaultfd=1"
                                               : NULL);
    result = set_ranges(client);
    return result == 0 ? 0 : describe(result, "table of regions", NULL);
}

static int register_all(struct userload *client)
{
    for (uint32_t i = 0; i < client->region_count; i++) {
        int result = userload_uffd_register(client->uffd, (uintptr_t)client->regions[i].address,
                                            client->regions[i].bytes);

        if (result != 0)
            return describe(result, "UFFDIO_REGISTER", NULL);
    }
    return 0;
}

/* The thread takes no signals: they are for the program's own threads. */
static int start_thread(struct userload *client)
{
    sigset_t all;
    sigset_t before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = -pthread_create(&client->thread, NULL, userload_client_run, client);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    client->has_thread = result == 0;
    return result == 0 ? 0 : describe(result, "the thread of a session", NULL);
}

static int open_session(struct userload *client, const char *address, uint32_t connections)
{
    struct userload_address places[USERLOAD_MAX_ADDRESSES];
    struct userload_address used;
    struct userload_hello answer;
    int result = userload_address_resolve(address, places, last_error, sizeof last_error);

    if (result < 0)
        return result;
    result = open_control(client, address, places, result, &answer, &used);
    if (result == 0)
        result = open_another(client, address, USERLOAD_SYNC, &used, answer.session, &client->sync);
    if (result == 0)
        result = open_another(client, address, USERLOAD_STREAM, &used, answer.session, &client->stream);
    if (result == 0)
        result = open_memory(client);
    if (result == 0)
        result = userload_pool_open(&client->session->pool, address, connections, PAGE_BYTES, answer.session,
                                    client->timeout_ns, last_error, sizeof last_error);
    if (result != 0)
        return result;
    client->handle = userload_registry_add(client->session);
    if (client->handle < 0) {
        userload_pool_close(&client->session->pool);
        return describe(client->handle, "there are 64 sessions already", NULL);
    }
    return 0;
}

int userload_open(const char *address, const struct userload_options *options, struct userload **session)
{
    struct userload *client;
    uint32_t connections = 0;
    int result;

    *session = NULL;
    last_error[0] = '\0';
    if (sysconf(_SC_PAGESIZE) != PAGE_BYTES)
        return describe(-EOPNOTSUPP, "pages of this host are not of 4 KiB", NULL);
    client = allocate();
    if (client == NULL)
        return describe(-ENOMEM, "a session", NULL);
    result = read_options(client, options, &connections);
    if (result == 0)
        result = userload_handler_install();
    if (result == 0)
        result = open_session(client, address, connections);
    if (result == 0)
        result = register_all(client);
    if (result == 0)
        result = start_thread(client);
    if (result == 0) {
        *session = client;
        return 0;
    }
    if (client->handle >= 0)
        userload_session_close(client->session, client->handle);
    destroy(client);
    return result;
}

uint32_t userload_region_count(const struct userload *session)
{
    return session->region_count;
}

void *userload_region_address(const struct userload *session, uint32_t region)
{
    return region < session->region_count ? session->regions[region].address : NULL;
}

size_t userload_region_length(const struct userload *session, uint32_t region)
{
    return region < session->region_count ? session->regions[region].bytes : 0;
}

uint64_t userload_region_guest_address(const struct userload *session, uint32_t region)
{
    return region < session->region_count ? session->regions[region].guest_address : 0;
}

static void deadline_after(struct timespec *deadline, int timeout_ms)
{
    clock_gettime(CLOCK_REALTIME, deadline);
    deadline->tv_sec += timeout_ms / 1000;
    deadline->tv_nsec += timeout_ms % 1000 * 1000000L;
    if (deadline->tv_nsec >= 1000000000) {
        deadline->tv_sec++;
        deadline->tv_nsec -= 1000000000;
    }
}

int userload_wait(struct userload *session, int timeout_ms)
{
    struct timespec deadline;
    int result = 0;

    if (timeout_ms >= 0)
        deadline_after(&deadline, timeout_ms);
    pthread_mutex_lock(&session->lock);
    while (session->outcome == 0 && result == 0)
        result = timeout_ms < 0 ? pthread_cond_wait(&session->changed, &session->lock)
                                : pthread_cond_timedwait(&session->changed, &session->lock, &deadline);
    if (session->outcome != 0)
        result = session->outcome > 0 ? 0 : -session->outcome;
    pthread_mutex_unlock(&session->lock);
    return -result;
}

/* The upper end of the share of latencies. */
static uint64_t quantile(const struct userload_latencies *latencies, uint64_t percent)
{
    uint64_t total = 0;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < USERLOAD_LATENCY_BUCKETS; i++)
        total += atomic_load_explicit(&latencies->counts[i], memory_order_relaxed);
    for (uint32_t i = 0; i < USERLOAD_LATENCY_BUCKETS && total != 0; i++) {
        seen += atomic_load_explicit(&latencies->counts[i], memory_order_relaxed);
        if (seen * 100 >= total * percent) {
            uint32_t shift = i < 128 ? 0 : (i >> USERLOAD_LATENCY_SUB_BITS) - 1;
            uint64_t mantissa = i < 128 ? i : (i & 63) | 64;

            return ((mantissa + 1) << shift) - 1;
        }
    }
    return 0;
}

int userload_get_statistics(const struct userload *session, struct userload_statistics *statistics)
{
    const struct userload_counts *counts = &session->session->counts;
    int64_t missing = atomic_load(&session->session->missing);

    if (statistics->size < sizeof *statistics)
        return -EINVAL;
    statistics->pages = session->pages;
    statistics->pages_missing = missing < 0 ? 0 : (uint64_t)missing;
    statistics->pages_on_demand = atomic_load(&counts->installed);
    statistics->pages_in_stream = atomic_load(&session->installed);
    statistics->pages_zero = atomic_load(&counts->zero) + atomic_load(&session->zero);
    statistics->duplicates = atomic_load(&counts->duplicates) + atomic_load(&session->duplicates);
    statistics->faults = atomic_load(&counts->faults);
    statistics->faults_failed = atomic_load(&counts->failures);
    statistics->blocked_ns = atomic_load(&counts->blocked_ns);
    statistics->reconnects = atomic_load(&session->session->pool.reconnects);
    statistics->fault_p50_ns = quantile(&session->session->latencies, 50);
    statistics->fault_p99_ns = quantile(&session->session->latencies, 99);
    return 0;
}

const char *userload_error(const struct userload *session)
{
    return session == NULL ? last_error : session->error;
}

void userload_close(struct userload *session)
{
    const uint64_t one = 1;
    ssize_t ignored;

    if (session == NULL)
        return;
    atomic_store(&session->closing, 1);
    ignored = write(session->events, &one, sizeof one);
    (void)ignored;
    pthread_join(session->thread, NULL);
    if (session->outcome != 1) {
        for (uint32_t i = 0; i < session->region_count; i++)
            userload_uffd_unregister(session->uffd, (uintptr_t)session->regions[i].address, session->regions[i].bytes);
        userload_session_close(session->session, session->handle);
    }
    destroy(session);
}
