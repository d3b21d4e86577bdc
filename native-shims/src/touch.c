#include "userload_shim.h"

int userload_touch(uint64_t address, size_t length, size_t page_bytes)
{
    const volatile unsigned char *bytes = (const volatile unsigned char *)(uintptr_t)address;
    int folded = 0;

    for (size_t offset = 0; offset < length; offset += page_bytes)
        folded ^= bytes[offset];
    return folded;
}
