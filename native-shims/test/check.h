/* Checks of the C tests: the first that does not hold ends the process with status 1. */
#ifndef USERLOAD_CHECK_H
#define USERLOAD_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                            \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                            \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

#define CHECK_EQUAL(found, expected)                                                                                 \
    do {                                                                                                             \
        long long found_ = (long long)(found);                                                                       \
        long long expected_ = (long long)(expected);                                                                 \
        if (found_ != expected_) {                                                                                   \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #found, found_, expected_);         \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

#endif
