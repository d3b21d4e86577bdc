/* The userfaultfd calls that the floor needs, one function each. */
#ifndef FLOOR_UFFD_H
#define FLOOR_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opens a userfaultfd by the system call or, where that is not permitted, by /dev/userfaultfd.
 * poll(2) reports POLLERR on a userfaultfd that is not non-blocking.
 */
int uffd_open(bool nonblocking, bool faults_are_signals);

/* Registers a range for missing-page faults. */
void uffd_register_missing(int uffd, void *start, size_t bytes);

/*
 * Reads up to `capacity` page faults and stores their addresses. Returns how many; 0 only when the
 * descriptor is non-blocking and there are none.
 */
size_t uffd_read_faults(int uffd, uintptr_t *addresses, size_t capacity);

/*
 * Installs pages and wakes whoever waits for them. Returns the bytes installed, which may be a part,
 * or a negated errno: -EEXIST when the first page is present already, -EAGAIN to try again.
 */
ssize_t uffd_copy(int uffd, void *to, const void *from, size_t bytes);

/* Installs one zero page and wakes whoever waits for it. */
void uffd_zero_page(int uffd, void *to);

#endif
