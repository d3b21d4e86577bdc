/* The scenarios: who is started, in which order, and what is measured. */
#ifndef FLOOR_SCENARIO_H
#define FLOOR_SCENARIO_H

#include "options.h"
#include "report.h"

/* fault-tcp and fault-local: every touch is a miss. */
struct result scenario_fault(const struct options *options);

/* fault-signal: the same, where the touching thread serves itself. */
struct result scenario_fault_signal(const struct options *options);

/* stream: everything in order, with or without faults meanwhile. */
struct result scenario_stream(const struct options *options);

#endif
