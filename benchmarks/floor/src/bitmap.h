/* One bit per page, set by several threads, never cleared. */
#ifndef FLOOR_BITMAP_H
#define FLOOR_BITMAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

typedef _Atomic uint64_t bitmap_word;

static inline size_t bitmap_bytes(size_t pages)
{
    return (pages + 63) / 64 * sizeof(bitmap_word);
}

static inline bitmap_word *bitmap_open(size_t pages)
{
    return memory_map_present(bitmap_bytes(pages));
}

static inline void bitmap_close(bitmap_word *bitmap, size_t pages)
{
    memory_unmap(bitmap, bitmap_bytes(pages));
}

static inline bool bitmap_test(const bitmap_word *bitmap, size_t page)
{
    return atomic_load_explicit(&bitmap[page / 64], memory_order_acquire) >> (page % 64) & 1;
}

/* Sets the bit; true when this call is the one that set it. */
static inline bool bitmap_claim(bitmap_word *bitmap, size_t page)
{
    uint64_t bit = UINT64_C(1) << (page % 64);
    return !(atomic_fetch_or_explicit(&bitmap[page / 64], bit, memory_order_acq_rel) & bit);
}

#endif
