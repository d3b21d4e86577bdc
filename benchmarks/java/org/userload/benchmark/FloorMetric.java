package org.userload.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * What is compared in a scenario, and its goal.
 *
 * @param name for people, with the unit
 * @param pointer where it is in a result
 * @param scale what to multiply with
 * @param goal the ratio of Java to C to reach
 * @param isSpeed whether more is better, so that the goal is the least ratio and not the greatest
 * @param isOfJavaAlone whether the goal is for Java's value, since C has none
 */
record FloorMetric(String name, String pointer, double scale, double goal, boolean isSpeed, boolean isOfJavaAlone) {
    private static final double NONE = Double.NaN;
    private static final double MICROS = 1e-3;

    static List<FloorMetric> of(FloorScenario scenario) {
        return switch (scenario) {
            case FAULT_ADAPTIVE -> List.of(latency("p50", 1), latency("p99", NONE), latency("mean", NONE));
            case FAULT_MANY ->
                List.of(
                        new FloorMetric("all ms", "/total_us", MICROS, 1.25, false),
                        latency("p50", NONE),
                        latency("p99", NONE));
            case FAULT_TCP -> List.of(latency("p50", 1.25), latency("p99", 1.6), latency("mean", NONE));
            case FAULT_SIGNAL -> List.of(latency("p50", 1.1), latency("p99", 1.4), latency("mean", NONE));
            case FAULT_LOCAL -> List.of(latency("p50", 1.3), latency("p99", NONE), latency("mean", NONE));
            case STREAM -> List.of(speed(0.85));
            case STREAM_HUGE -> List.of(speed(1.15), new FloorMetric("huge share", "/huge_share", 1, 0.95, true, true));
            case STREAM_TOUCH_ALL ->
                List.of(
                        new FloorMetric("all touched ms", "/touched_us", MICROS, 1.15, false),
                        latency("p50", NONE),
                        latency("p99", NONE),
                        new FloorMetric("faults", "/fault_latency_ns/count", 1, NONE, false));
            case STREAM_TOUCHER ->
                List.of(
                        latency("p50", NONE),
                        latency("p99", 2),
                        new FloorMetric("finish ms", "/total_us", MICROS, 1.3, false),
                        new FloorMetric("faults", "/fault_latency_ns/count", 1, NONE, false));
            case DIRTY ->
                List.of(
                        new FloorMetric("scan us", "/dirty/scan_ns", MICROS, 1.2, false),
                        new FloorMetric("start us", "/dirty/start_ns", MICROS, NONE, false),
                        new FloorMetric("untracked write ns", "/dirty/untracked_write_ns", 1, NONE, false),
                        new FloorMetric("first write ns", "/dirty/first_write_ns", 1, NONE, false),
                        new FloorMetric("second write ns", "/dirty/second_write_ns", 1, NONE, false));
        };
    }

    FloorMetric(String name, String pointer, double scale, double goal, boolean isSpeed) {
        this(name, pointer, scale, goal, isSpeed, false);
    }

    private static FloorMetric latency(String quantile, double goal) {
        return new FloorMetric(quantile + " us", "/fault_latency_ns/" + quantile, MICROS, goal, false);
    }

    private static FloorMetric speed(double goal) {
        return new FloorMetric("MB/s", "/stream_mb_per_s", 1, goal, true);
    }

    double of(JsonNode result) {
        return result.at(pointer).asDouble() * scale;
    }

    String goalText() {
        return Double.isNaN(goal) ? "" : (isSpeed ? ">= " : "<= ") + goal;
    }

    String verdict(double ratio) {
        if (Double.isNaN(goal)) {
            return "";
        }
        return (isSpeed ? ratio >= goal : ratio <= goal) ? "yes" : "no";
    }
}
