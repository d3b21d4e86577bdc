#include "wire.h"

#include <errno.h>
#include <string.h>

static const uint8_t MAGIC[8] = {'U', 'S', 'E', 'R', 'L', 'O', 'A', 'D'};

static uint64_t get(const uint8_t *in, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

static void put(uint8_t *out, int bytes, uint64_t value)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out[i] = (uint8_t)value;
        value >>= 8;
    }
}

uint16_t userload_get16(const uint8_t *in)
{
    return (uint16_t)get(in, 2);
}

uint32_t userload_get32(const uint8_t *in)
{
    return (uint32_t)get(in, 4);
}

uint64_t userload_get64(const uint8_t *in)
{
    return get(in, 8);
}

void userload_header_put(uint8_t *out, const struct userload_header *header)
{
    out[0] = header->type;
    out[1] = 0;
    put(out + 2, 2, header->region);
    put(out + 4, 4, header->body_bytes);
    put(out + 8, 8, header->first_page);
    put(out + 16, 4, header->count);
    put(out + 20, 4, header->id);
}

int userload_header_get(const uint8_t *in, struct userload_header *header)
{
    header->type = in[0];
    header->region = userload_get16(in + 2);
    header->body_bytes = userload_get32(in + 4);
    header->first_page = userload_get64(in + 8);
    header->count = userload_get32(in + 16);
    header->id = userload_get32(in + 20);
    return in[1] == 0 ? 0 : -EPROTO;
}

void userload_hello_put(uint8_t *out, const struct userload_hello *hello)
{
    const struct userload_header header = {.type = USERLOAD_HELLO, .body_bytes = USERLOAD_HELLO_BYTES};
    uint8_t *body = out + USERLOAD_HEADER_BYTES;

    userload_header_put(out, &header);
    memcpy(body, MAGIC, sizeof MAGIC);
    put(body + 8, 2, USERLOAD_VERSION);
    body[10] = hello->role;
    body[11] = 0;
    put(body + 12, 4, hello->page_bytes);
    put(body + 16, 8, hello->features);
    memcpy(body + 24, hello->session, USERLOAD_SESSION_BYTES);
    put(body + 40, 4, 0);
}

int userload_hello_get(const uint8_t *in, uint32_t body_bytes, struct userload_hello *hello)
{
    if (memcmp(in, MAGIC, sizeof MAGIC) != 0)
        return -EPROTO;
    if (userload_get16(in + 8) != USERLOAD_VERSION)
        return -EPROTONOSUPPORT;
    hello->role = in[10];
    hello->page_bytes = userload_get32(in + 12);
    hello->features = userload_get64(in + 16);
    memcpy(hello->session, in + 24, USERLOAD_SESSION_BYTES);
    hello->regions = userload_get32(in + 40);
    if (hello->regions > USERLOAD_MAX_REGIONS
        || body_bytes != USERLOAD_HELLO_BYTES + hello->regions * USERLOAD_ENTRY_BYTES)
        return -EPROTO;
    return 0;
}
