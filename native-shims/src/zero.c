#include <string.h>

#include "userload_shim.h"

#define WORDS_AT_ONCE 16

/* One compilation for each kind of vectors; the loader takes the best that this processor has. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define EACH_VECTOR_WIDTH __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define EACH_VECTOR_WIDTH
#endif

EACH_VECTOR_WIDTH
static int is_zero(const unsigned char *page, size_t page_bytes)
{
    for (size_t at = 0; at < page_bytes; at += WORDS_AT_ONCE * sizeof(uint64_t)) {
        uint64_t words[WORDS_AT_ONCE];
        uint64_t folded = 0;

        memcpy(words, page + at, sizeof words);
        for (int i = 0; i < WORDS_AT_ONCE; i++)
            folded |= words[i];
        if (folded != 0)
            return 0;
    }
    return 1;
}

size_t userload_zero_pages(uint64_t address, size_t pages, size_t page_bytes)
{
    const unsigned char *bytes = (const unsigned char *)(uintptr_t)address;
    size_t zero = 0;

    while (zero < pages && is_zero(bytes + zero * page_bytes, page_bytes))
        zero++;
    return zero;
}
