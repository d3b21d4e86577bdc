/*
 * Keeps installs apart from what must not happen beside them: pages being given back, and the loss of the source.
 *
 * Whoever enters counts itself in and then looks whether the gate is shut; whoever shuts it sets the flag and then waits until
 * nobody is inside. One of the two sees the other.
 *
 * The gate is for C alone, and is entered, left, shut and opened within one call. A thread in the signal handler counts as
 * running Java code and holds up a safepoint; if it could wait here for a thread that runs Java code, that one would stop at
 * the safepoint with the gate shut, and both would wait for ever.
 */
#ifndef USERLOAD_GATE_H
#define USERLOAD_GATE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

struct userload_gate {
    _Atomic uint32_t shut;
    _Atomic uint32_t inside;
};

static inline void userload_gate_enter(struct userload_gate *gate)
{
    for (;;) {
        atomic_fetch_add(&gate->inside, 1);
        if (atomic_load(&gate->shut) == 0)
            return;
        atomic_fetch_sub(&gate->inside, 1);
        while (atomic_load(&gate->shut) != 0)
            sched_yield();
    }
}

static inline void userload_gate_leave(struct userload_gate *gate)
{
    atomic_fetch_sub(&gate->inside, 1);
}

static inline void userload_gate_shut(struct userload_gate *gate)
{
    uint32_t open = 0;

    while (!atomic_compare_exchange_weak(&gate->shut, &open, 1)) {
        open = 0;
        sched_yield();
    }
    while (atomic_load(&gate->inside) != 0)
        sched_yield();
}

static inline void userload_gate_open(struct userload_gate *gate)
{
    atomic_store(&gate->shut, 0);
}

#endif
