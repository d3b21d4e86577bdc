#ifndef USERLOAD_TESTS_H
#define USERLOAD_TESTS_H

#include <stdio.h>

#define RUN_TEST(test)                                                                                               \
    do {                                                                                                             \
        printf("%s\n", #test);                                                                                       \
        fflush(stdout);                                                                                              \
        test();                                                                                                      \
    } while (0)

#endif
