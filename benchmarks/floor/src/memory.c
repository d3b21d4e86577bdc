#include "memory.h"

#include <sys/mman.h>

#include "fail.h"

static void *map(size_t bytes, int extra_flags)
{
    void *start =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    if (start == MAP_FAILED)
        fail_call("mmap(%zu bytes)", bytes);
    return start;
}

uint8_t *memory_map_missing(size_t bytes)
{
    return map(bytes, MAP_NORESERVE);
}

void *memory_map_present(size_t bytes)
{
    return map(bytes, MAP_POPULATE);
}

void memory_unmap(void *start, size_t bytes)
{
    if (munmap(start, bytes) != 0)
        fail_call("munmap(%zu bytes)", bytes);
}

void memory_warm_host(size_t bytes)
{
    memory_unmap(memory_map_present(bytes), bytes);
}
