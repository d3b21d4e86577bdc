/* Page size and anonymous mappings. */
#ifndef FLOOR_MEMORY_H
#define FLOOR_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES ((size_t)4096)

/* Maps private anonymous memory without touching it: every page is missing. */
uint8_t *memory_map_missing(size_t bytes);

/* Maps private anonymous memory with every page present. */
void *memory_map_present(size_t bytes);

void memory_unmap(void *start, size_t bytes);

/*
 * Touches `bytes` of memory and gives it back to the kernel, so that the pages installed next are
 * backed by a hypervisor already: a first touch of host memory costs several microseconds, which
 * would be measured as part of the fault.
 */
void memory_warm_host(size_t bytes);

#endif
