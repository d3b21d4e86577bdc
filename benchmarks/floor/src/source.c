#include "source.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bitmap.h"
#include "fail.h"
#include "net.h"
#include "pattern.h"

struct server {
    const struct options *options;
    const uint8_t *memory;
    bitmap_word *sent; /* pages that either thread has sent or is about to send */
    int sync_fd;
    int stream_fd;
};

static void send_pages(const struct server *server, int fd, size_t first_page, size_t page_count)
{
    struct frame frame = {.type = FRAME_PAGES, .first_page = first_page, .page_count = page_count};
    net_send(fd, &frame, server->memory + first_page * PAGE_BYTES, page_count * PAGE_BYTES);
}

/*
 * A page that the stream has claimed is sent all the same: its bytes may be megabytes deep in the
 * stream's socket buffers, and somebody is waiting for it.
 */
static void answer_requests(const struct server *server)
{
    struct frame request;
    while (net_receive(server->sync_fd, &request, sizeof request)) {
        net_check(&request, FRAME_REQUEST, server->options->pages, 1);
        bitmap_claim(server->sent, request.first_page);
        send_pages(server, server->sync_fd, request.first_page, 1);
    }
}

static void *stream_unsent(void *argument)
{
    const struct server *server = argument;
    const size_t pages = server->options->pages;
    net_expect(server->stream_fd, FRAME_START);
    for (size_t next = 0; next < pages;) {
        size_t first = next;
        while (next < pages && next - first < server->options->chunk_pages &&
               bitmap_claim(server->sent, next))
            next++;
        if (next > first)
            send_pages(server, server->stream_fd, first, next - first);
        else
            next++; /* sent on demand */
    }
    net_send(server->stream_fd, &(struct frame){.type = FRAME_END}, NULL, 0);
    /* A FIN wakes a receiver whose low-water mark the rest of the stream does not reach. */
    if (shutdown(server->stream_fd, SHUT_WR) != 0)
        fail_call("shutdown(stream connection)");
    return NULL;
}

static void serve(struct server *server, int listener)
{
    bool streams = server->options->scenario == SCENARIO_STREAM;
    server->memory = pattern_map(server->options->pages * PAGE_BYTES, server->options->seed);
    server->sent = bitmap_open(server->options->pages);
    server->sync_fd = net_accept(listener);
    server->stream_fd = streams ? net_accept(listener) : -1;
    close(listener);

    pthread_t streamer;
    if (streams && (errno = pthread_create(&streamer, NULL, stream_unsent, server)) != 0)
        fail_call("pthread_create(streamer)");
    net_send(server->sync_fd, &(struct frame){.type = FRAME_READY}, NULL, 0);
    answer_requests(server);
    if (streams)
        pthread_join(streamer, NULL);
}

static void die_with_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        fail_call("prctl(PR_SET_PDEATHSIG)");
    if (getppid() != parent)
        _exit(EXIT_FAILURE); /* it died before the call */
}

struct source source_start(const struct options *options)
{
    uint16_t port;
    int listener = net_listen(&port);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        fail_call("fork");
    if (pid == 0) {
        program_invocation_short_name = "floor source";
        die_with_parent(parent);
        affinity_pin(options->pin, ROLE_SOURCE);
        serve(&(struct server){.options = options}, listener);
        _exit(EXIT_SUCCESS);
    }
    struct source source = {.pid = pid, .sync_fd = net_connect(port), .stream_fd = -1};
    if (options->scenario == SCENARIO_STREAM)
        source.stream_fd = net_connect(port);
    close(listener);
    net_expect(source.sync_fd, FRAME_READY);
    return source;
}

void source_stop(const struct source *source)
{
    close(source->sync_fd);
    if (source->stream_fd >= 0)
        close(source->stream_fd);
    int status;
    while (waitpid(source->pid, &status, 0) < 0)
        if (errno != EINTR)
            fail_call("waitpid(%d)", (int)source->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        fail("the source process ended with wait status 0x%x", (unsigned)status);
}
