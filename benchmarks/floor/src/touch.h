/* Threads that use memory: one volatile read of 8 bytes per touch, timed by the toucher. */
#ifndef FLOOR_TOUCH_H
#define FLOOR_TOUCH_H

#include "destination.h"
#include "latency.h"
#include "options.h"

/*
 * Touches `warmup` and then `touches` pages, every one missing and none twice, in seeded random
 * order. Times the latter, and returns how long they took together. With several touchers each takes
 * an equal part of them, at the same time.
 */
uint64_t touch_missing_ns(const struct options *options, const struct destination *destination,
                          struct latencies *latencies);

/*
 * Touches every page once, in seeded random order, present or not. Times the touches of pages that were
 * not marked received just before.
 */
void touch_all(const struct options *options, const struct destination *destination,
               struct latencies *latencies);

/*
 * Touches pages at random, seeded, until none is missing. Times the touches of pages that were not
 * marked received just before. The mark follows the installation, so a few of those find the page
 * present, and count as very short faults.
 */
void touch_until_complete(const struct options *options, const struct destination *destination,
                          struct latencies *latencies);

#endif
