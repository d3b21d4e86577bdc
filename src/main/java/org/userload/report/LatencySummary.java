package org.userload.report;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import org.HdrHistogram.Histogram;

/** Percentiles of a latency distribution, in microseconds. All zero when there was nothing to measure. */
@JsonPropertyOrder({"count", "p50", "p90", "p99", "p999", "max", "mean"})
public record LatencySummary(long count, double p50, double p90, double p99, double p999, double max, double mean) {

    /** @param nanos a histogram of nanoseconds */
    public static LatencySummary ofNanos(Histogram nanos) {
        return new LatencySummary(
                nanos.getTotalCount(),
                percentile(nanos, 50),
                percentile(nanos, 90),
                percentile(nanos, 99),
                percentile(nanos, 99.9),
                percentile(nanos, 100),
                micros(nanos.getTotalCount() == 0 ? 0 : nanos.getMean()));
    }

    private static double percentile(Histogram nanos, double percent) {
        return micros((double) nanos.getValueAtPercentile(percent));
    }

    private static double micros(double nanos) {
        return Math.round(nanos / 10.0) / 100.0;
    }
}
