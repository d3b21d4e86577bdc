/* userfaultfds whose faults are signals. */
#ifndef USERLOAD_UFFD_H
#define USERLOAD_UFFD_H

#include <stdint.h>

/*
 * Opens one with UFFD_FEATURE_SIGBUS, and with UFFDIO_MOVE where the kernel has it. A descriptor or a negative errno: -EPERM
 * when it is not permitted, -EOPNOTSUPP when the kernel has no such feature.
 */
int userload_uffd_open(int *has_move);

/* 0 or a negative errno. */
int userload_uffd_register(int uffd, uint64_t start, uint64_t bytes);
int userload_uffd_unregister(int uffd, uint64_t start, uint64_t bytes);

/* Moves a page to where one is missing (Linux 6.8). 0 or a negative errno. */
int userload_uffd_move(int uffd, uint64_t target, uint64_t source, uint64_t bytes);

#endif
