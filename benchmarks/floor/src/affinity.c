#include "affinity.h"

#include <sched.h>

#include "fail.h"

static int cpu_of(enum pin pin, enum role role)
{
    if (pin == PIN_SAME)
        return 0;
    return role == ROLE_FAULT_HANDLER || role == ROLE_SOURCE ? 1 : 0;
}

void affinity_pin(enum pin pin, enum role role)
{
    if (pin == PIN_NONE)
        return;
    int cpu = cpu_of(pin, role);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0)
        fail_call("sched_setaffinity(CPU %d)", cpu);
}
