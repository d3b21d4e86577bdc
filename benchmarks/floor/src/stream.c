#include "stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "fail.h"
#include "memory.h"
#include "net.h"

#define LEAST_BUFFER_BYTES ((size_t)2 << 20)

/* Receives whatever is there, after moving an incomplete frame to the start of the buffer. */
static void receive_more(struct stream_intake *intake)
{
    intake->filled -= intake->taken;
    memmove(intake->buffer, intake->buffer + intake->taken, intake->filled);
    intake->taken = 0;
    ssize_t received = recv(intake->stream_fd, intake->buffer + intake->filled,
                            intake->buffer_bytes - intake->filled, 0);
    if (received < 0 && errno == EINTR)
        return;
    if (received < 0)
        fail_call("recv(stream connection)");
    if (received == 0)
        fail("the source closed the stream connection");
    intake->filled += (size_t)received;
}

/* Waits for the next `bytes` of the stream, without taking them; valid until the next call. */
static const void *peek(struct stream_intake *intake, size_t bytes)
{
    while (intake->filled - intake->taken < bytes)
        receive_more(intake);
    return intake->buffer + intake->taken;
}

static void *run(void *argument)
{
    struct stream_intake *intake = argument;
    const struct options *options = intake->options;
    affinity_pin(options->pin, ROLE_STREAM_INTAKE);
    for (;;) {
        struct frame frame;
        memcpy(&frame, peek(intake, sizeof frame), sizeof frame);
        if (frame.type == FRAME_END)
            return NULL;
        net_check(&frame, FRAME_PAGES, options->pages, options->chunk_pages);
        size_t frame_bytes = sizeof frame + frame.page_count * PAGE_BYTES;
        const uint8_t *whole = peek(intake, frame_bytes);
        destination_install(intake->destination, PATH_STREAM, frame.first_page, frame.page_count,
                            whole + sizeof frame);
        intake->taken += frame_bytes;
    }
}

/*
 * Lets the thread sleep until so many bytes are there. Otherwise it can be woken for each segment of
 * at most 64 KiB, and with the sender on another CPU those wake-ups take part of the throughput. The
 * source ends the stream with a FIN, which wakes the thread for a rest of any size.
 */
static void set_low_water(const struct stream_intake *intake)
{
    int bytes = (int)intake->options->low_water_bytes;
    if (setsockopt(intake->stream_fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) != 0)
        fail_call("setsockopt(SO_RCVLOWAT, %d)", bytes);
}

void stream_intake_start(struct stream_intake *intake)
{
    size_t two_frames = 2 * (sizeof(struct frame) + intake->options->chunk_pages * PAGE_BYTES);
    intake->buffer_bytes = two_frames > LEAST_BUFFER_BYTES ? two_frames : LEAST_BUFFER_BYTES;
    intake->buffer = memory_map_present(intake->buffer_bytes);
    intake->taken = 0;
    intake->filled = 0;
    set_low_water(intake);
    intake->started_at_ns = now_ns();
    net_send(intake->stream_fd, &(struct frame){.type = FRAME_START}, NULL, 0);
    errno = pthread_create(&intake->thread, NULL, run, intake);
    if (errno != 0)
        fail_call("pthread_create(stream intake)");
}

void stream_intake_join(struct stream_intake *intake)
{
    pthread_join(intake->thread, NULL);
    memory_unmap(intake->buffer, intake->buffer_bytes);
}
