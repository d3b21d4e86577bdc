/* Where a source listens. Names are looked up once, when a session is opened; nothing here is for a signal handler. */
#ifndef USERLOAD_ADDRESS_H
#define USERLOAD_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

enum { USERLOAD_MAX_ADDRESSES = 8 };

struct userload_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/*
 * Reads HOST:PORT, [IPV6]:PORT or unix:PATH into up to USERLOAD_MAX_ADDRESSES addresses. Their number, or -EINVAL for another
 * form and -EHOSTUNREACH for a host that is not known; the text of the error says which.
 */
int userload_address_resolve(const char *text, struct userload_address *out, char *error, size_t error_bytes);

/*
 * Whether the peer of a connected socket is a socket of this process: 1, 0, or a negative errno. A thread that waits in a
 * signal handler for such a source would wait for itself.
 */
int userload_peer_is_own(int fd);

#endif
