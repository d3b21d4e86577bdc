/*
 * The contents of memory, and seeded random numbers. Both are splitmix64: little-endian word i of
 * memory is mix64(seed + (i + 1) * GOLDEN), the i-th output of the generator with that seed.
 */
#ifndef FLOOR_PATTERN_H
#define FLOOR_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Advances `state` and returns a number below `bound`, which must fit in 32 bits. */
static inline size_t random_below(uint64_t *state, size_t bound)
{
    *state += PATTERN_GOLDEN;
    return (size_t)(((mix64(*state) >> 32) * bound) >> 32);
}

/* Maps `bytes` of present memory and fills it with the pattern. */
uint8_t *pattern_map(size_t bytes, uint64_t seed);

/* Ends the process with an error unless all of memory holds the pattern. May fault pages in. */
void pattern_verify(const uint8_t *memory, size_t bytes, uint64_t seed);

#endif
