/*
 * The thread of a C program's session: takes in what the stream brings, watches the other connections, and ends the session
 * when every page is in place or the source is lost.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "uffd.h"

/* How long a connection that broke waits for the reason to come on control. */
enum { REASON_MAY_TAKE_MS = 200 };

/* The source closes the connections when it hears that all is in; this is how long that is waited for. */
enum { SOURCE_CLOSES_MS = 2000 };

static uint64_t page_bytes(const struct userload *client)
{
    return (uint64_t)1 << client->session->page_shift;
}

static void over(struct userload *client, int outcome, const char *why)
{
    pthread_mutex_lock(&client->lock);
    client->outcome = outcome;
    snprintf(client->error, sizeof client->error, "%s", why);
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

static void fail(struct userload *client, int error, const char *format, ...)
{
    char why[USERLOAD_CLIENT_ERROR];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    userload_session_becomes(client->session, USERLOAD_FAILED);
    userload_pool_shut_down(&client->session->pool);
    over(client, error, why);
}

static int send_frame(struct userload *client, int fd, const struct userload_header *header)
{
    const struct userload_patience patience = {
        .deadline_ns = userload_now_ns() + client->timeout_ns,
        .word = &client->closing,
    };
    uint8_t frame[USERLOAD_HEADER_BYTES];

    userload_header_put(frame, header);
    return userload_send_all(fd, frame, sizeof frame, &patience);
}

static int receive(struct userload *client, int fd, uint8_t *bytes, size_t length)
{
    const struct userload_patience patience = {
        .deadline_ns = userload_now_ns() + client->timeout_ns,
        .word = &client->closing,
    };

    return userload_receive_all(fd, bytes, length, &patience);
}

/*
 * Installs pages where they are missing: count pages at a place; zero pages when it is NULL; or, as a pattern, the
 * USERLOAD_CHUNK_PAGES pages there again and again.
 */
static int install(struct userload *client, uint32_t region, uint64_t first, uint64_t count, const uint8_t *place,
                   int is_pattern)
{
    uint64_t bytes = page_bytes(client);
    uint64_t target = (uintptr_t)client->regions[region].address + first * bytes;
    uint64_t done = 0;

    while (done < count) {
        uint64_t left = count - done;
        uint64_t run = is_pattern && left > USERLOAD_CHUNK_PAGES ? USERLOAD_CHUNK_PAGES : left;
        uint64_t from = (uintptr_t)place + (is_pattern ? 0 : done * bytes);
        int64_t installed = place == NULL
                                ? userload_install_zero(client->session, target + done * bytes, run * bytes)
                                : userload_install_pages(client->session, target + done * bytes, from, run * bytes);

        if (installed > 0) {
            atomic_fetch_add(&client->installed, (uint64_t)installed / bytes);
            done += (uint64_t)installed / bytes;
        } else if (installed == -EEXIST) {
            atomic_fetch_add(&client->duplicates, 1);
            done++;
        } else if (installed != -EAGAIN) {
            return (int)installed;
        }
    }
    return 0;
}

static int take_pages(struct userload *client, const struct userload_header *header)
{
    uint64_t bytes = page_bytes(client);
    const struct userload_header ack = {
        .type = USERLOAD_ACK,
        .region = header->region,
        .first_page = header->first_page,
        .count = header->count,
    };

    for (uint32_t done = 0; done < header->count;) {
        uint32_t piece = header->count - done < USERLOAD_CHUNK_PAGES ? header->count - done : USERLOAD_CHUNK_PAGES;
        int result = receive(client, client->stream, client->chunk, piece * bytes);

        if (result == 0)
            result = install(client, header->region, header->first_page + done, piece, client->chunk, 0);
        if (result != 0)
            return result;
        done += piece;
    }
    return send_frame(client, client->stream, &ack);
}

static int take_free(struct userload *client, const struct userload_header *header)
{
    uint8_t *pattern = client->chunk + USERLOAD_CHUNK_PAGES * page_bytes(client);
    uint8_t body[8];
    uint64_t word;
    int result = receive(client, client->stream, body, sizeof body);

    if (result != 0)
        return result;
    word = userload_get64(body);
    atomic_fetch_add(&client->zero, header->count);
    if (word == 0)
        return install(client, header->region, header->first_page, header->count, NULL, 0);
    for (uint64_t at = 0; at < USERLOAD_CHUNK_PAGES * page_bytes(client); at++)
        pattern[at] = (uint8_t)(word >> at % 8 * 8);
    return install(client, header->region, header->first_page, header->count, pattern, 1);
}

static int is_within(const struct userload *client, const struct userload_header *header, uint32_t most)
{
    uint64_t pages;

    if (header->region >= client->region_count || header->count < 1 || header->count > most)
        return 0;
    pages = client->regions[header->region].bytes / page_bytes(client);
    return header->first_page < pages && header->count <= pages - header->first_page;
}

static int take_frame(struct userload *client, const struct userload_header *header)
{
    switch (header->type) {
    case USERLOAD_PAGES:
        if (!is_within(client, header, USERLOAD_MAX_PAGES_PER_FRAME)
            || header->body_bytes != header->count * page_bytes(client))
            return -EPROTO;
        return take_pages(client, header);
    case USERLOAD_ZERO:
        if (!is_within(client, header, USERLOAD_MAX_RUN_PAGES) || header->body_bytes != 0)
            return -EPROTO;
        atomic_fetch_add(&client->zero, header->count);
        return install(client, header->region, header->first_page, header->count, NULL, 0);
    case USERLOAD_FREE:
        if (!is_within(client, header, USERLOAD_MAX_RUN_PAGES) || header->body_bytes != 8
            || (client->features & USERLOAD_FEATURE_FREE) == 0)
            return -EPROTO;
        return take_free(client, header);
    case USERLOAD_END:
        return 0; /* what is missing is on its way to the threads that touched it */
    default:
        return -EPROTO;
    }
}

/* The text of an ERROR frame becomes the reason of the session's end. */
static int take_error(struct userload *client, int fd, const struct userload_header *header)
{
    uint8_t body[USERLOAD_ERROR_TEXT];
    size_t length = header->body_bytes < sizeof body ? header->body_bytes : sizeof body;
    int result = receive(client, fd, body, length);

    if (result != 0)
        return result;
    for (size_t i = 0; i < length; i++)
        if (body[i] < ' ' || body[i] == 0x7f)
            body[i] = ' ';
    fail(client, -ECONNABORTED, "the source has ended the session: %.*s", length < 2 ? 0 : (int)length - 2,
         (const char *)body + 2);
    return 1;
}

static void explain(struct userload *client, int fd, int error);

/* 0 to go on, 1 when the session is over. */
static int take(struct userload *client, int fd)
{
    uint8_t bytes[USERLOAD_HEADER_BYTES];
    struct userload_header header;
    int result = receive(client, fd, bytes, sizeof bytes);

    if (result == 0)
        result = userload_header_get(bytes, &header);
    if (result == 0 && header.type == USERLOAD_ERROR)
        result = take_error(client, fd, &header);
    else if (result == 0)
        result = fd == client->stream ? take_frame(client, &header) : -EPROTO;
    if (result < 0)
        explain(client, fd, result);
    return result != 0;
}

/* A connection that breaks says less than the reason that may be about to come on control. */
static void explain(struct userload *client, int fd, int error)
{
    struct pollfd control = {.fd = client->control, .events = POLLIN};
    const char *name = fd == client->control ? "control" : fd == client->sync ? "sync" : "stream";
    uint8_t bytes[USERLOAD_HEADER_BYTES];
    struct userload_header header;

    if (error == -ECANCELED)
        return;
    if (fd != client->control && error != -EPROTO && poll(&control, 1, REASON_MAY_TAKE_MS) > 0
        && receive(client, client->control, bytes, sizeof bytes) == 0 && userload_header_get(bytes, &header) == 0
        && header.type == USERLOAD_ERROR && take_error(client, client->control, &header) == 1)
        return;
    if (error == -EPROTO)
        fail(client, error, "the source has sent what a C program cannot take, on its %s connection", name);
    else if (error == -ECONNRESET)
        fail(client, error, "the source has closed the %s connection", name);
    else
        fail(client, error, "the %s connection is lost: %s", name, strerror(-error));
}

/* A connection that is closed before the source has heard that all is in looks to it like a failure. */
static void await_closed(int fd)
{
    int64_t deadline = userload_now_ns() + SOURCE_CLOSES_MS * 1000000LL;
    uint8_t rest[64];

    for (;;) {
        struct pollfd closed = {.fd = fd, .events = POLLIN};
        int64_t left = (deadline - userload_now_ns()) / 1000000;

        if (left <= 0 || (poll(&closed, 1, (int)left) > 0 && recv(fd, rest, sizeof rest, 0) <= 0 && errno != EINTR))
            return;
    }
}

/* Every page is in place: the memory is ordinary memory from now on. */
static void complete(struct userload *client)
{
    const struct userload_header done = {.type = USERLOAD_COMPLETE};

    for (uint32_t i = 0; i < client->region_count; i++)
        userload_uffd_unregister(client->uffd, (uintptr_t)client->regions[i].address, client->regions[i].bytes);
    userload_session_close(client->session, client->handle);
    send_frame(client, client->control, &done); /* a source that is gone by now has been of use */
    over(client, 1, "");
    await_closed(client->control);
}

static int is_complete(struct userload *client)
{
    return atomic_load(&client->session->missing) == 0;
}

/* 0 to go on, 1 when the session is over. */
static int wait_and_take(struct userload *client)
{
    struct pollfd waited[] = {
        {.fd = client->control, .events = POLLIN},
        {.fd = client->sync, .events = POLLIN},
        {.fd = client->stream, .events = POLLIN},
        {.fd = client->events, .events = POLLIN},
    };
    int timeout = client->no_stream ? -1 : (int)(client->timeout_ns / 1000000);
    int ready = poll(waited, sizeof waited / sizeof *waited, timeout);

    if (ready < 0)
        return 0;
    if (ready == 0) {
        fail(client, -ETIMEDOUT, "the source has sent nothing for %d ms while %lld pages are missing", timeout,
             (long long)atomic_load(&client->session->missing));
        return 1;
    }
    for (int i = 0; i < 3; i++)
        if (waited[i].revents != 0 && take(client, waited[i].fd))
            return 1;
    return 0;
}

void *userload_client_run(void *argument)
{
    struct userload *client = argument;
    const struct userload_header start = {.type = USERLOAD_START, .count = client->window};
    int result = client->no_stream ? 0 : send_frame(client, client->stream, &start);

    if (result != 0) {
        explain(client, client->stream, result);
        return NULL;
    }
    while (atomic_load(&client->closing) == 0) {
        if (is_complete(client)) {
            complete(client);
            break;
        }
        if (wait_and_take(client))
            break;
    }
    return NULL;
}
