/* Loopback TCP and whole frames over it. TCP_NODELAY is set on every connection. */
#ifndef FLOOR_NET_H
#define FLOOR_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Listens on a free loopback port. */
int net_listen(uint16_t *port);
int net_accept(int listener);
int net_connect(uint16_t port);

/* Sends a header and its payload in one call. */
void net_send(int fd, const struct frame *frame, const void *payload, size_t payload_bytes);

/* Receives exactly `bytes`. False when the peer closed the connection before the first of them. */
bool net_receive(int fd, void *buffer, size_t bytes);

/* Receives a header that must be of the given type. */
void net_expect(int fd, enum frame_type type);

/*
 * Checks a header against what the receiver can take: its type, region 0, a page range within
 * memory of `pages` pages and no longer than `limit` pages.
 */
void net_check(const struct frame *frame, enum frame_type type, size_t pages, size_t limit);

#endif
