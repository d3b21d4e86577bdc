#include "fault.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "fail.h"
#include "memory.h"
#include "net.h"
#include "uffd.h"

enum { FAULT_BATCH = 16 };

/* A reply is received so that its header ends, and its page begins, at a page boundary. */
#define REPLY_BYTES (sizeof(struct frame) + PAGE_BYTES)

static uint8_t *reply_page(const struct fault_handler *handler)
{
    return handler->reply_pages + PAGE_BYTES;
}

static uint8_t *reply_start(const struct fault_handler *handler)
{
    return reply_page(handler) - sizeof(struct frame);
}

static bool is_local(const struct fault_handler *handler)
{
    return handler->sync_fd < 0;
}

static void request(struct fault_handler *handler, size_t page)
{
    struct frame frame = {.type = FRAME_REQUEST, .first_page = page, .page_count = 1};
    net_send(handler->sync_fd, &frame, NULL, 0);
    handler->outstanding++;
}

static void on_fault(struct fault_handler *handler, uintptr_t address)
{
    struct destination *destination = handler->destination;
    size_t page = (address - (uintptr_t)destination->memory) / PAGE_BYTES;
    if (page == destination->pages) {
        destination_answer_doorbell(destination);
        handler->stopping = true;
    } else if (bitmap_test(destination->received, page)) {
        /* The stream installed it after the event was read, and woke the thread. */
    } else if (is_local(handler)) {
        destination_install(destination, PATH_DEMAND, page, 1,
                            handler->local_memory + page * PAGE_BYTES);
    } else {
        request(handler, page);
    }
}

static void on_faults(struct fault_handler *handler)
{
    uintptr_t addresses[FAULT_BATCH];
    size_t count = uffd_read_faults(handler->destination->uffd, addresses, FAULT_BATCH);
    for (size_t i = 0; i < count; i++)
        on_fault(handler, addresses[i]);
}

/* Takes what the socket has, or waits for a whole reply with MSG_WAITALL, and installs the page. */
static void on_reply(struct fault_handler *handler, int receive_flags)
{
    uint8_t *start = reply_start(handler);
    ssize_t received = recv(handler->sync_fd, start + handler->reply_bytes,
                            REPLY_BYTES - handler->reply_bytes, receive_flags);
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (received < 0)
        fail_call("recv(sync connection)");
    if (received == 0)
        fail("the source closed the sync connection");
    handler->reply_bytes += (size_t)received;
    if (handler->reply_bytes < REPLY_BYTES)
        return;
    const struct frame *frame = (const struct frame *)start;
    net_check(frame, FRAME_PAGES, handler->destination->pages, 1);
    destination_install(handler->destination, PATH_DEMAND, frame->first_page, 1, reply_page(handler));
    handler->reply_bytes = 0;
    handler->outstanding--;
}

/* An event loop: sleeps for either descriptor, then does what it can without waiting. */
static void run_poll(struct fault_handler *handler)
{
    struct pollfd ready[2] = {
        {.fd = handler->destination->uffd, .events = POLLIN},
        {.fd = handler->sync_fd, .events = POLLIN}, /* poll ignores -1 */
    };
    while (!handler->stopping || handler->outstanding > 0) {
        if (poll(ready, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            fail_call("poll");
        }
        if (ready[0].revents & (POLLERR | POLLNVAL))
            fail("poll(userfaultfd): revents 0x%x", (unsigned)ready[0].revents);
        if (ready[0].revents)
            on_faults(handler);
        if (ready[1].revents)
            on_reply(handler, MSG_DONTWAIT);
    }
}

/* One fault at a time: sleeps for the event, then for its reply. */
static void run_blocking(struct fault_handler *handler)
{
    while (!handler->stopping) {
        uintptr_t address;
        if (uffd_read_faults(handler->destination->uffd, &address, 1) == 1)
            on_fault(handler, address);
        while (handler->outstanding > 0)
            on_reply(handler, MSG_WAITALL);
    }
}

static void *run(void *argument)
{
    struct fault_handler *handler = argument;
    affinity_pin(handler->options->pin, ROLE_FAULT_HANDLER);
    if (handler->options->loop == LOOP_POLL)
        run_poll(handler);
    else
        run_blocking(handler);
    return NULL;
}

void fault_handler_start(struct fault_handler *handler)
{
    handler->reply_pages = memory_map_present(2 * PAGE_BYTES);
    handler->reply_bytes = 0;
    handler->outstanding = 0;
    handler->stopping = false;
    errno = pthread_create(&handler->thread, NULL, run, handler);
    if (errno != 0)
        fail_call("pthread_create(fault handler)");
}

void fault_handler_stop(struct fault_handler *handler)
{
    destination_ring(handler->destination);
    pthread_join(handler->thread, NULL);
    memory_unmap(handler->reply_pages, 2 * PAGE_BYTES);
}
