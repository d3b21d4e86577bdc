/*
 * How long something may be waited for: until a time, and while a word that others change has its value. Waits look at it in
 * steps, so that whoever changes the word is obeyed soon. Async-signal-safe.
 */
#ifndef USERLOAD_PATIENCE_H
#define USERLOAD_PATIENCE_H

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stddef.h>

#include "clock.h"

enum { USERLOAD_STEP_MS = 20 };

struct userload_patience {
    int64_t deadline_ns;
    const _Atomic uint32_t *word; /* NULL: time alone counts */
    uint32_t value;
};

/* 0, or -ECANCELED when the word has changed. */
static inline int userload_patience_cancelled(const struct userload_patience *patience)
{
    return patience->word != NULL && atomic_load(patience->word) != patience->value ? -ECANCELED : 0;
}

/* 0, -ECANCELED when the word has changed, or -ETIMEDOUT. */
static inline int userload_patience_over(const struct userload_patience *patience)
{
    int cancelled = userload_patience_cancelled(patience);

    if (cancelled != 0)
        return cancelled;
    return userload_now_ns() >= patience->deadline_ns ? -ETIMEDOUT : 0;
}

/* Milliseconds of the next step of a wait: at least 1. */
static inline int userload_patience_step_ms(const struct userload_patience *patience)
{
    int64_t left = (patience->deadline_ns - userload_now_ns()) / 1000000 + 1;

    if (left < 1)
        return 1;
    return left < USERLOAD_STEP_MS ? (int)left : USERLOAD_STEP_MS;
}

/* Sleeps some milliseconds, in steps. As userload_patience_over. */
static inline int userload_patience_sleep(const struct userload_patience *patience, int milliseconds)
{
    int64_t until = userload_now_ns() + (int64_t)milliseconds * 1000000;

    for (;;) {
        int over = userload_patience_over(patience);
        int64_t left = (until - userload_now_ns()) / 1000000;

        if (over != 0 || left <= 0)
            return over;
        poll(NULL, 0, left < USERLOAD_STEP_MS ? (int)left : USERLOAD_STEP_MS);
    }
}

#endif
