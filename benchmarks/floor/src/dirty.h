/* Dirty page tracking: rounds of random writes, each followed by one scan that reports and protects. */
#ifndef FLOOR_DIRTY_H
#define FLOOR_DIRTY_H

#include "options.h"
#include "report.h"

/* Ends the process with an error when a scan does not find exactly the pages that were written. */
struct result scenario_dirty(const struct options *options);

#endif
