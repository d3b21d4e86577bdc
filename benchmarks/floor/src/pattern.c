#include "pattern.h"

#include <inttypes.h>

#include "fail.h"
#include "memory.h"

static uint64_t word_at(size_t index, uint64_t seed)
{
    return mix64(seed + (index + 1) * PATTERN_GOLDEN);
}

uint8_t *pattern_map(size_t bytes, uint64_t seed)
{
    uint64_t *words = memory_map_present(bytes);
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        words[i] = word_at(i, seed);
    return (uint8_t *)words;
}

void pattern_verify(const uint8_t *memory, size_t bytes, uint64_t seed)
{
    const uint64_t *words = (const uint64_t *)memory;
    for (size_t i = 0; i < bytes / sizeof *words; i++) {
        uint64_t found = words[i];
        uint64_t expected = word_at(i, seed);
        if (found != expected)
            fail("verify: page %zu, byte %zu: found %016" PRIx64 ", expected %016" PRIx64,
                 i * sizeof *words / PAGE_BYTES, i * sizeof *words % PAGE_BYTES, found, expected);
    }
}
