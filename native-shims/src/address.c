#include "address.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_HOST = 256 };

static int wrong(const char *text, const char *why, char *error, size_t error_bytes)
{
    snprintf(error, error_bytes,
             "'%s' is not an address: %s; write HOST:PORT, [IPV6]:PORT or unix:PATH", text, why);
    return -EINVAL;
}

static int unix_address(const char *text, const char *path, struct userload_address *out, char *error,
                        size_t error_bytes)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&out->storage;
    size_t length = strlen(path);

    if (length < 1 || length >= sizeof address->sun_path)
        return wrong(text, "a Unix socket path has 1 to 107 characters", error, error_bytes);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    out->length = sizeof *address;
    return 1;
}

static int look_up(const char *text, const char *host, const char *port, struct userload_address *out, char *error,
                   size_t error_bytes)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int count = 0;
    int result = getaddrinfo(host, port, &hints, &found);

    if (result != 0) {
        snprintf(error, error_bytes, "the host of '%s' is not known: %s", text, gai_strerror(result));
        return -EHOSTUNREACH;
    }
    for (const struct addrinfo *at = found; at != NULL && count < USERLOAD_MAX_ADDRESSES; at = at->ai_next) {
        if (at->ai_addrlen <= sizeof out->storage) {
            memcpy(&out[count].storage, at->ai_addr, at->ai_addrlen);
            out[count++].length = at->ai_addrlen;
        }
    }
    freeaddrinfo(found);
    return count;
}

int userload_address_resolve(const char *text, struct userload_address *out, char *error, size_t error_bytes)
{
    char host[MAX_HOST];
    const char *colon = strrchr(text, ':');
    const char *start = text;
    const char *end = colon;
    char *rest;
    long port;

    if (strncmp(text, "unix:", 5) == 0)
        return unix_address(text, text + 5, out, error, error_bytes);
    if (colon == NULL || colon == text)
        return wrong(text, "there is no port", error, error_bytes);
    if (*start == '[' && end[-1] == ']') {
        start++;
        end--;
    } else if (memchr(start, ':', (size_t)(end - start)) != NULL) {
        return wrong(text, "an IPv6 address goes in brackets", error, error_bytes);
    }
    if (end <= start || (size_t)(end - start) >= sizeof host)
        return wrong(text, "a host name has 1 to 255 characters", error, error_bytes);
    port = strtol(colon + 1, &rest, 10);
    if (rest == colon + 1 || *rest != '\0' || port < 1 || port > 65535)
        return wrong(text, "a port is 1 to 65535", error, error_bytes);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    return look_up(text, host, colon + 1, out, error, error_bytes);
}

/* An address of either family, IPv4 as the IPv6 address that stands for it. */
struct place {
    uint8_t address[16];
    uint16_t port;
};

static int place_of(const struct sockaddr_storage *storage, struct place *place)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    memset(place, 0, sizeof *place);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;

        memcpy(place->address, mapped, sizeof mapped);
        memcpy(place->address + 12, &in->sin_addr, 4);
        place->port = in->sin_port;
        return 1;
    }
    if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)storage;

        memcpy(place->address, &in->sin6_addr, 16);
        place->port = in->sin6_port;
        return 1;
    }
    return 0;
}

static int ends_of(int fd, struct place *own, struct place *peer)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;

    if (getsockname(fd, (struct sockaddr *)&storage, &length) != 0 || !place_of(&storage, own))
        return 0;
    length = sizeof storage;
    return getpeername(fd, (struct sockaddr *)&storage, &length) == 0 && place_of(&storage, peer);
}

static int same(const struct place *a, const struct place *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

static int has_other_end(const struct place *own, const struct place *peer)
{
    DIR *descriptors = opendir("/proc/self/fd");
    const struct dirent *entry;
    int found = 0;

    if (descriptors == NULL)
        return -errno;
    while (!found && (entry = readdir(descriptors)) != NULL) {
        struct place its_own;
        struct place its_peer;

        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && ends_of(atoi(entry->d_name), &its_own, &its_peer))
            found = same(&its_own, peer) && same(&its_peer, own);
    }
    closedir(descriptors);
    return found;
}

int userload_peer_is_own(int fd)
{
    struct place own;
    struct place peer;
    struct ucred credentials;
    socklen_t length = sizeof credentials;

    if (ends_of(fd, &own, &peer))
        return has_other_end(&own, &peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return -errno;
    return credentials.pid == getpid();
}
