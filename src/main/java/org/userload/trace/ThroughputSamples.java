package org.userload.trace;

import java.util.List;

/**
 * How many accesses a guest had done in one process, and when. A plain value that goes into JSON and back, so that one
 * process can hand it to another.
 *
 * <p><b>Clock.</b> Times are those of {@link System#nanoTime()}, which HotSpot on Linux takes from
 * {@code CLOCK_MONOTONIC}: one clock for all processes of a host (of a time namespace, to be exact). Samples of two
 * hosts cannot be put together.
 *
 * @param samples by time, ascending; counts never fall
 */
public record ThroughputSamples(List<Sample> samples) {
    /** Nothing sampled. */
    public static final ThroughputSamples NONE = new ThroughputSamples(List.of());

    /**
     * @param nanos when, by {@link System#nanoTime()}
     * @param accesses how many the guest had done in this process by then
     */
    public record Sample(long nanos, long accesses) {}

    /** @throws IllegalArgumentException if times or counts go backwards */
    public ThroughputSamples {
        samples = List.copyOf(samples);
        for (int i = 1; i < samples.size(); i++) {
            Sample before = samples.get(i - 1);
            Sample sample = samples.get(i);
            if (sample.nanos - before.nanos < 0 || sample.accesses < before.accesses) {
                throw new IllegalArgumentException("sample " + sample + " after " + before + ": goes backwards");
            }
        }
    }
}
