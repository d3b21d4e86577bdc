/*
 * The C that must be C: what Userload does in native code because Java code must not.
 *
 * Every symbol starts with userload_ and is visible on purpose; nothing else is.
 */
#ifndef USERLOAD_SHIM_H
#define USERLOAD_SHIM_H

#include <stddef.h>
#include <stdint.h>

#define USERLOAD_EXPORT __attribute__((visibility("default")))

/* Changes with every change of a signature below; checked when the library is loaded. */
#define USERLOAD_SHIM_VERSION 1

USERLOAD_EXPORT int userload_shim_version(void);

/*
 * Reads the first byte of every page of [address, address + length), in user mode, as a virtual CPU or any native code
 * would. A missing page of a registered range faults in the kernel; the calling Java thread is "in native" meanwhile and
 * holds up no safepoint. Returns the exclusive or of the bytes read.
 */
USERLOAD_EXPORT int userload_touch(uint64_t address, size_t length, size_t page_bytes);

#endif
