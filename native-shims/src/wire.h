/*
 * The frames of docs/protocol.md. Numbers are in network byte order on the wire. Async-signal-safe.
 *
 *  0      1       2        4              8                      16         20       24
 *  +------+-------+--------+--------------+----------------------+----------+--------+--------
 *  | type | flags | region | body length  | first page           | count    | id     | body ...
 *  +------+-------+--------+--------------+----------------------+----------+--------+--------
 */
#ifndef USERLOAD_WIRE_H
#define USERLOAD_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
    USERLOAD_HEADER_BYTES = 24,
    USERLOAD_SESSION_BYTES = 16,
    USERLOAD_HELLO_BYTES = 44,   /* body without regions */
    USERLOAD_ENTRY_BYTES = 16,
    USERLOAD_VERSION = 1,
    USERLOAD_MAX_REGIONS = 4096,
    USERLOAD_MAX_PAGES_PER_FRAME = 512,
    USERLOAD_MAX_RUN_PAGES = 1 << 20,
    USERLOAD_MAX_CONTROL_BODY = 1 << 20,
};

enum userload_frame {
    USERLOAD_HELLO = 1,
    USERLOAD_REQUEST = 2,
    USERLOAD_PAGES = 3,
    USERLOAD_ZERO = 4,
    USERLOAD_ACK = 5,
    USERLOAD_START = 6,
    USERLOAD_END = 7,
    USERLOAD_COMPLETE = 8,
    USERLOAD_ERROR = 9,
    USERLOAD_FREE = 26,
    USERLOAD_INSTALLED = 28,
};

enum userload_role { USERLOAD_CONTROL = 1, USERLOAD_SYNC = 2, USERLOAD_STREAM = 3, USERLOAD_FAULT = 4 };

enum userload_feature {
    USERLOAD_FEATURE_ROUNDS = 1 << 0,
    USERLOAD_FEATURE_FREE = 1 << 4,
    USERLOAD_FEATURE_FAULTS = 1 << 5,
    USERLOAD_FEATURE_RELEASE_SOURCE = 1 << 6,
};

enum userload_error_code { USERLOAD_UNKNOWN_SESSION = 3, USERLOAD_ROLE_TAKEN = 6 };

struct userload_header {
    uint8_t type;
    uint16_t region;
    uint32_t body_bytes;
    uint64_t first_page;
    uint32_t count;
    uint32_t id;
};

void userload_header_put(uint8_t *out, const struct userload_header *header);

/* 0, or -EPROTO for flags that this version does not know. */
int userload_header_get(const uint8_t *in, struct userload_header *header);

struct userload_hello {
    uint8_t role;
    uint32_t page_bytes;
    uint64_t features;
    uint8_t session[USERLOAD_SESSION_BYTES];
    uint32_t regions;
};

/* A destination's whole hello, header and body. Writes USERLOAD_HEADER_BYTES + USERLOAD_HELLO_BYTES. */
void userload_hello_put(uint8_t *out, const struct userload_hello *hello);

/*
 * The fixed part of a hello's body, of a frame with so many body bytes. 0, -EPROTO when it is none, -EPROTONOSUPPORT for
 * another version.
 */
int userload_hello_get(const uint8_t *in, uint32_t body_bytes, struct userload_hello *hello);

uint16_t userload_get16(const uint8_t *in);
uint32_t userload_get32(const uint8_t *in);
uint64_t userload_get64(const uint8_t *in);

#endif
