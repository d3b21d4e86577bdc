/*
 * The C that must be C: what Userload does in native code because Java code must not. These are the functions that Java
 * calls; userload.h is for C programs.
 *
 * Every symbol starts with userload_ and is visible on purpose; nothing else is.
 */
#ifndef USERLOAD_SHIM_H
#define USERLOAD_SHIM_H

#include <stddef.h>
#include <stdint.h>

#define USERLOAD_EXPORT __attribute__((visibility("default")))

/* Changes with every change of a signature or structure below; checked when the library is loaded. */
#define USERLOAD_SHIM_VERSION 2

USERLOAD_EXPORT int userload_shim_version(void);

/*
 * Reads the first byte of every page of [address, address + length), in user mode, as a virtual CPU or any native code
 * would. A missing page of a registered range faults in the kernel; the calling Java thread is "in native" meanwhile and
 * holds up no safepoint. Returns the exclusive or of the bytes read.
 */
USERLOAD_EXPORT int userload_touch(uint64_t address, size_t length, size_t page_bytes);

/* A region of a session: offsets in SignalLayout. */
struct userload_shim_range {
    uint64_t start; /* host address */
    uint64_t bytes;
    uint32_t region; /* in the region table */
    uint32_t reserved;
};

/* How to open a session: offsets in SignalLayout. */
struct userload_shim_options {
    const char *address;    /* of the source */
    const uint8_t *session; /* its id, 16 bytes as on the wire */
    const struct userload_shim_range *ranges;
    char *error; /* takes the reason when it fails */
    uint64_t error_bytes;
    int64_t timeout_ns; /* how long a page may be awaited */
    int32_t uffd;       /* of which faults are signals; where the ranges are, or will be, registered */
    uint32_t range_count;
    uint32_t slots; /* connections for faults */
    uint32_t page_bytes;
};

/*
 * Opens the connections of a session and installs the handler of SIGBUS: from now on a thread that touches a missing page of a
 * range fetches it itself. A handle, not negative, or a negative errno and its reason.
 */
USERLOAD_EXPORT int userload_session_open(const struct userload_shim_options *options);

/*
 * Fetches the page of an address on the calling thread, without a signal. 0 when it is in place; 1 when the session has ended
 * and its memory is ordinary memory; else a negative errno.
 */
USERLOAD_EXPORT int userload_session_fetch(int handle, uint64_t address);

/*
 * Installs pages where they are missing: bytes that were installed, or a negative errno: -EEXIST when the first is there,
 * -EAGAIN when the mapping is changing, -ENOENT when it is not registered, -ECANCELED when the session is over.
 */
USERLOAD_EXPORT int64_t userload_session_copy(int handle, uint64_t target, uint64_t source, uint64_t bytes);
USERLOAD_EXPORT int64_t userload_session_zero(int handle, uint64_t target, uint64_t bytes);

/* Makes pages zero pages, whatever they hold and whatever answer is under way. 0 or a negative errno; -EIO when it has failed. */
USERLOAD_EXPORT int userload_session_drop(int handle, uint64_t target, uint64_t bytes);

/*
 * Takes up to so many words of pages that threads have fetched themselves: pairs of region << 48 | word and the 64 bits of
 * pages from 64 * word on. How many; each page is given once. One call at a time.
 */
USERLOAD_EXPORT int userload_session_collect(int handle, uint64_t *out, uint32_t most);

/* Seven counts: faults, installed, duplicates, failures, wire bytes, ns blocked in the handler, reconnects. */
USERLOAD_EXPORT int userload_session_counts(int handle, uint64_t *out);

/* The histogram of latency.h. The number of its buckets. */
USERLOAD_EXPORT int userload_session_latencies(int handle, uint64_t *out, uint32_t buckets);

/* No more pages will come: whoever waits for one, or touches one, has an error. */
USERLOAD_EXPORT int userload_session_fail(int handle);

/* The ranges are registered no more. Waits for threads that are in a fetch, closes the connections. Once. */
USERLOAD_EXPORT int userload_session_end(int handle);

#endif
