package org.userload.report;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/** Percentiles of a latency distribution, in microseconds. All zero when there was nothing to measure. */
@JsonPropertyOrder({"count", "p50", "p90", "p99", "p999", "max", "mean"})
public record LatencySummary(long count, double p50, double p90, double p99, double p999, double max, double mean) {
    private static final int POINTS_PER_HALVING = 10;

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

    /**
     * A point of a distribution.
     *
     * @param us a latency, microseconds
     * @param fraction of all that took no longer, 0 to 1
     */
    public record Point(double us, double fraction) {}

    /** The distribution as a curve: more points where it is rarer. Empty when there was nothing to measure. */
    public static List<Point> curve(Histogram nanos) {
        List<Point> points = new ArrayList<>();
        if (nanos.getTotalCount() > 0) {
            for (HistogramIterationValue value : nanos.percentiles(POINTS_PER_HALVING)) {
                points.add(new Point(
                        micros((double) value.getValueIteratedTo()), value.getPercentileLevelIteratedTo() / 100));
            }
        }
        return points;
    }

    private static double percentile(Histogram nanos, double percent) {
        return micros((double) nanos.getValueAtPercentile(percent));
    }

    private static double micros(double nanos) {
        return Math.round(nanos / 10.0) / 100.0;
    }
}
