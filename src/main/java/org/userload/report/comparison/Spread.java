package org.userload.report.comparison;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One figure of several runs. {@link Double#POSITIVE_INFINITY} stands for what never happened, and is greater than any
 * time.
 *
 * @param median of an even number of runs, the mean of the two in the middle
 * @param runs how many runs have the figure, at least 1
 */
public record Spread(double median, double min, double max, int runs) {
    /** Of the values that there are; null when there are none. */
    public static @Nullable Spread of(List<Double> values) {
        if (values.isEmpty()) {
            return null;
        }
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int upper = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2;
        return new Spread(median, sorted[0], sorted[sorted.length - 1], sorted.length);
    }

    /** Whether every run had less than every run of the other one. */
    public boolean isBelow(Spread other) {
        return max < other.min;
    }
}
