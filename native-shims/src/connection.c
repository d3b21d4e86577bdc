#include "connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { UNIX_RETRY_MS = 1 };

static int await_ready(int fd, short events, const struct userload_patience *patience)
{
    for (;;) {
        struct pollfd waited = {.fd = fd, .events = events};
        int over = userload_patience_over(patience);

        if (over != 0)
            return over;
        if (poll(&waited, 1, userload_patience_step_ms(patience)) > 0)
            return 0;
    }
}

int userload_send_all(int fd, const uint8_t *bytes, size_t length, const struct userload_patience *patience)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            int result = await_ready(fd, POLLOUT, patience);

            if (result != 0)
                return result;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int userload_receive_all(int fd, uint8_t *bytes, size_t length, const struct userload_patience *patience)
{
    while (length > 0) {
        ssize_t received = recv(fd, bytes, length, 0);

        if (received > 0) {
            bytes += received;
            length -= (size_t)received;
        } else if (received == 0) {
            return -ECONNRESET;
        } else if (errno == EAGAIN) {
            int result = await_ready(fd, POLLIN, patience);

            if (result != 0)
                return result;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int userload_skip(int fd, size_t bytes, const struct userload_patience *patience)
{
    uint8_t skipped[512];

    while (bytes > 0) {
        size_t piece = bytes < sizeof skipped ? bytes : sizeof skipped;
        int result = userload_receive_all(fd, skipped, piece, patience);

        if (result != 0)
            return result;
        bytes -= piece;
    }
    return 0;
}

static int finish_connect(int fd, const struct userload_patience *patience)
{
    int error = 0;
    socklen_t length = sizeof error;
    int result = await_ready(fd, POLLOUT, patience);

    if (result != 0)
        return result;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -errno;
    return -error;
}

static int connect_to(const struct userload_address *to, const struct userload_patience *patience)
{
    int one = 1;
    int result = 0;
    int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    if (to->storage.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (connect(fd, (const struct sockaddr *)&to->storage, to->length) != 0) {
        if (errno == EINPROGRESS || errno == EINTR) {
            result = finish_connect(fd, patience);
            break;
        }
        /* EAGAIN of a Unix socket: its source has not accepted those before. */
        result = errno == EAGAIN ? userload_patience_sleep(patience, UNIX_RETRY_MS) : -errno;
        if (result != 0)
            break;
    }
    if (result != 0) {
        close(fd);
        return result;
    }
    return fd;
}

/* Control characters would let a source write to a terminal. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

static int refused(int fd, uint32_t body_bytes, struct userload_refusal *refusal,
                   const struct userload_patience *patience)
{
    uint8_t body[2 + USERLOAD_ERROR_TEXT - 1];
    size_t length = body_bytes < sizeof body ? body_bytes : sizeof body;
    int result = userload_receive_all(fd, body, length, patience);

    if (result != 0)
        return result;
    if (length < 2)
        return -EPROTO;
    refusal->code = userload_get16(body);
    memcpy(refusal->text, body + 2, length - 2);
    refusal->text[length - 2] = '\0';
    make_printable(refusal->text);
    return -ECONNREFUSED;
}

static int greet(int fd, const struct userload_hello *ask, struct userload_hello *answer,
                 struct userload_refusal *refusal, const struct userload_patience *patience)
{
    uint8_t frame[USERLOAD_HEADER_BYTES + USERLOAD_HELLO_BYTES];
    struct userload_header header;
    int result;

    userload_hello_put(frame, ask);
    result = userload_send_all(fd, frame, sizeof frame, patience);
    if (result == 0)
        result = userload_receive_all(fd, frame, USERLOAD_HEADER_BYTES, patience);
    if (result == 0)
        result = userload_header_get(frame, &header);
    if (result != 0)
        return result;
    if (header.type == USERLOAD_ERROR && header.body_bytes <= USERLOAD_MAX_CONTROL_BODY)
        return refused(fd, header.body_bytes, refusal, patience);
    if (header.type != USERLOAD_HELLO || header.body_bytes < USERLOAD_HELLO_BYTES)
        return -EPROTO;
    result = userload_receive_all(fd, frame, USERLOAD_HELLO_BYTES, patience);
    if (result == 0)
        result = userload_hello_get(frame, header.body_bytes, answer);
    if (result == 0 && (answer->role != ask->role || answer->page_bytes != ask->page_bytes))
        result = -EPROTO;
    return result;
}

int userload_dial(const struct userload_address *to, const struct userload_hello *ask, struct userload_hello *answer,
                  struct userload_refusal *refusal, const struct userload_patience *patience)
{
    int fd;
    int result;

    refusal->code = 0;
    refusal->text[0] = '\0';
    fd = connect_to(to, patience);
    if (fd < 0)
        return fd;
    result = greet(fd, ask, answer, refusal, patience);
    if (result != 0) {
        close(fd);
        return result;
    }
    return fd;
}

int userload_make_blocking(int fd, int64_t timeout_ns)
{
    const struct timeval timeout = {
        .tv_sec = timeout_ns / 1000000000,
        .tv_usec = timeout_ns % 1000000000 / 1000 + 1,
    };
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
        return -errno;
    return 0;
}
