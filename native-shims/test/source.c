#include "source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/wire.h"
#include "check.h"

enum { RUN = 16 };

static const uint64_t PATTERN = 0xaa55aa55deadbeefULL;

static struct source_manner manner;
static atomic_int requests;

static int is_zero(uint64_t page)
{
    return page % 7 == 3;
}

static int is_free(uint64_t page)
{
    return !is_zero(page) && page % 11 == 5;
}

uint8_t source_byte(uint32_t region, uint64_t offset)
{
    uint64_t page = offset / SOURCE_PAGE;
    uint64_t word = (offset / 8 + 1) * 0x9e3779b97f4a7c15ULL + region;

    if (is_zero(page))
        return 0;
    if (is_free(page))
        return (uint8_t)(PATTERN >> offset % 8 * 8);
    return (uint8_t)((word ^ word >> 29) >> offset % 8 * 8);
}

static int send_all(int fd, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

        if (sent <= 0)
            return -1;
        at += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int receive_all(int fd, void *bytes, size_t length)
{
    return recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length ? 0 : -1;
}

static int send_frame(int fd, struct userload_header header, const uint8_t *body)
{
    uint8_t frame[USERLOAD_HEADER_BYTES + RUN * SOURCE_PAGE];

    userload_header_put(frame, &header);
    if (header.body_bytes > 0)
        memcpy(frame + USERLOAD_HEADER_BYTES, body, header.body_bytes);
    return send_all(fd, frame, USERLOAD_HEADER_BYTES + header.body_bytes);
}

static void fill(uint8_t *out, uint32_t region, uint64_t first, uint32_t count)
{
    for (uint64_t i = 0; i < (uint64_t)count * SOURCE_PAGE; i++)
        out[i] = source_byte(region, first * SOURCE_PAGE + i);
}

static uint32_t run_of(uint32_t region, uint64_t first, uint32_t most)
{
    uint32_t count = 1;

    while (count < most && first + count < manner.pages[region] && is_zero(first + count) == is_zero(first)
           && is_free(first + count) == is_free(first))
        count++;
    return count;
}

static int send_pages(int fd, uint32_t region, uint64_t first, uint32_t count, uint32_t id)
{
    struct userload_header header = {
        .type = USERLOAD_PAGES, .region = (uint16_t)region, .first_page = first, .count = count, .id = id};
    uint8_t body[RUN * SOURCE_PAGE];

    if (is_zero(first)) {
        header.type = USERLOAD_ZERO;
    } else if (is_free(first)) {
        header.type = USERLOAD_FREE;
        header.body_bytes = 8;
        for (int i = 0; i < 8; i++)
            body[i] = (uint8_t)(PATTERN >> (7 - i) * 8);
    } else {
        header.body_bytes = count * SOURCE_PAGE;
        fill(body, region, first, count);
    }
    return send_frame(fd, header, body);
}

static int break_off(int fd, const struct userload_header *request)
{
    uint8_t half[USERLOAD_HEADER_BYTES + 1000] = {0};
    const struct userload_header header = {.type = USERLOAD_PAGES,
                                           .region = request->region,
                                           .body_bytes = SOURCE_PAGE,
                                           .first_page = request->first_page,
                                           .count = 1,
                                           .id = request->id};

    userload_header_put(half, &header);
    send_all(fd, half, sizeof half);
    return -1;
}

static int answer(int fd, const struct userload_header *request)
{
    int number = atomic_fetch_add(&requests, 1) + 1;

    if (manner.die_at != 0 && number >= manner.die_at)
        _exit(0);
    if (manner.silent_from != 0 && number >= manner.silent_from)
        return 0;
    if (manner.break_every != 0 && number % manner.break_every == 0)
        return break_off(fd, request);
    if (manner.wrong_every != 0 && number % manner.wrong_every == 0)
        return send_pages(fd, request->region, request->first_page ^ 1, 1, request->id);
    return send_pages(fd, request->region, request->first_page, 1, request->id);
}

static int stream_all(int fd)
{
    for (uint32_t region = 0; region < SOURCE_REGIONS; region++) {
        for (uint64_t page = 0; page < manner.pages[region];) {
            uint32_t count = run_of(region, page, RUN);
            uint8_t ack[USERLOAD_HEADER_BYTES];

            if (send_pages(fd, region, page, count, 0) != 0)
                return -1;
            if (!is_zero(page) && !is_free(page) && receive_all(fd, ack, sizeof ack) != 0)
                return -1;
            page += count;
        }
    }
    return send_frame(fd, (struct userload_header){.type = USERLOAD_END}, NULL);
}

static int greet(int fd, uint8_t *role)
{
    uint8_t hello[USERLOAD_HEADER_BYTES + USERLOAD_HELLO_BYTES];
    uint8_t reply[sizeof hello + SOURCE_REGIONS * USERLOAD_ENTRY_BYTES] = {0};
    struct userload_header header = {.type = USERLOAD_HELLO,
                                     .body_bytes = USERLOAD_HELLO_BYTES + SOURCE_REGIONS * USERLOAD_ENTRY_BYTES};
    uint8_t *entry = reply + sizeof hello;

    if (receive_all(fd, hello, sizeof hello) != 0)
        return -1;
    *role = hello[USERLOAD_HEADER_BYTES + 10];
    memcpy(reply, hello, sizeof hello);
    userload_header_put(reply, &header);
    memset(reply + USERLOAD_HEADER_BYTES + 24, 7, USERLOAD_SESSION_BYTES);
    reply[USERLOAD_HEADER_BYTES + 43] = SOURCE_REGIONS;
    if (manner.unknown_role)
        reply[USERLOAD_HEADER_BYTES + 23] = 0;
    for (uint32_t i = 0; i < SOURCE_REGIONS; i++, entry += USERLOAD_ENTRY_BYTES) {
        entry[2] = (uint8_t)i;
        for (int byte = 0; byte < 4; byte++)
            entry[12 + byte] = (uint8_t)(manner.pages[i] >> (3 - byte) * 8);
    }
    return send_all(fd, reply, sizeof reply);
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    uint8_t role;
    uint8_t bytes[USERLOAD_HEADER_BYTES];
    struct userload_header header;

    if (greet(fd, &role) == 0) {
        while (receive_all(fd, bytes, sizeof bytes) == 0 && userload_header_get(bytes, &header) == 0) {
            if (header.type == USERLOAD_REQUEST && answer(fd, &header) != 0)
                break;
            if (header.type == USERLOAD_START && stream_all(fd) != 0)
                break;
            if (header.type == USERLOAD_COMPLETE)
                break; /* closes the control connection, which is how the destination knows that it was heard */
        }
    }
    close(fd);
    return NULL;
}

static void accept_all(int listener)
{
    for (;;) {
        pthread_t thread;
        int one = 1;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            _exit(1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0)
            _exit(1);
        pthread_detach(thread);
    }
}

static int listen_tcp(char *address, size_t bytes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 300) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &length) == 0);
    snprintf(address, bytes, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static int listen_unix(const char *path, char *address, size_t bytes)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(strlen(path) < sizeof at.sun_path);
    strcpy(at.sun_path, path);
    unlink(path);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    snprintf(address, bytes, "unix:%s", path);
    return fd;
}

struct source source_start(const struct source_manner *how, const char *unix_path)
{
    struct source source;
    int listener = unix_path == NULL ? listen_tcp(source.address, sizeof source.address)
                                     : listen_unix(unix_path, source.address, sizeof source.address);
    int ready[2];
    char byte;

    CHECK(pipe(ready) == 0);
    source.process = fork();
    CHECK(source.process >= 0);
    if (source.process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        manner = *how;
        /* Here, since a Unix socket tells its peers who listens. */
        if (listen(listener, 300) != 0 || write(ready[1], "r", 1) != 1)
            _exit(1);
        accept_all(listener);
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(listener);
    return source;
}

void source_stop(struct source *source)
{
    kill(source->process, SIGKILL);
    waitpid(source->process, NULL, 0);
}
