#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fail.h"

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail_call("socket(AF_INET, SOCK_STREAM)");
    return fd;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int without_delay(int fd)
{
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail_call("setsockopt(TCP_NODELAY)");
    return fd;
}

int net_listen(uint16_t *port)
{
    int fd = tcp_socket();
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, length) != 0)
        fail_call("bind(127.0.0.1)");
    if (listen(fd, 2) != 0)
        fail_call("listen(127.0.0.1)");
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        fail_call("getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

int net_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        fail_call("accept4");
    return without_delay(fd);
}

int net_connect(uint16_t port)
{
    int fd = tcp_socket();
    struct sockaddr_in address = loopback(port);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail_call("connect(127.0.0.1:%u)", port);
    return without_delay(fd);
}

void net_send(int fd, const struct frame *frame, const void *payload, size_t payload_bytes)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)frame, .iov_len = sizeof *frame},
        {.iov_base = (void *)payload, .iov_len = payload_bytes},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = payload_bytes > 0 ? 2 : 1};
    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            fail_call("sendmsg(frame type %" PRIu32 ")", frame->type);
        size_t left = (size_t)sent;
        while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
            left -= message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + left;
            message.msg_iov->iov_len -= left;
        }
    }
}

bool net_receive(int fd, void *buffer, size_t bytes)
{
    size_t have = 0;
    while (have < bytes) {
        ssize_t received = recv(fd, (char *)buffer + have, bytes - have, MSG_WAITALL);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            fail_call("recv(%zu bytes)", bytes - have);
        if (received == 0 && have == 0)
            return false;
        if (received == 0)
            fail("recv: connection closed after %zu of %zu bytes", have, bytes);
        have += (size_t)received;
    }
    return true;
}

void net_expect(int fd, enum frame_type type)
{
    struct frame frame;
    if (!net_receive(fd, &frame, sizeof frame))
        fail("recv: connection closed while waiting for frame type %d", type);
    if (frame.type != (uint32_t)type)
        fail("protocol: frame type %" PRIu32 ", expected %d", frame.type, type);
}

void net_check(const struct frame *frame, enum frame_type type, size_t pages, size_t limit)
{
    bool good = frame->type == (uint32_t)type && frame->region == 0 && frame->page_count > 0 &&
                frame->page_count <= limit && frame->first_page < pages &&
                frame->page_count <= pages - frame->first_page;
    if (!good)
        fail("protocol: bad frame: type %" PRIu32 ", region %" PRIu32 ", first page %" PRIu64
             ", page count %" PRIu64,
             frame->type, frame->region, frame->first_page, frame->page_count);
}
