package org.userload.report.comparison;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Results with every field of {@code userload.result/1}, made up: 1 GiB over 1 Gbit/s, one guest of two million accesses
 * a second. They have the shape of real ones and are for tests of what is made of results only.
 */
final class SampleResults {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final long PAGES = 262_144;
    private static final int CELLS = 4096;
    private static final double FULL = 20_000;
    private static final double PAGES_PER_MS = 28.6;
    private static final long BEFORE_MS = 4_000;
    private static final long GUEST_MS = 24_000;

    private final SplittableRandom random;

    SampleResults(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** How a mode goes, in milliseconds from the start of the migration. */
    private record Course(double pausedMs, double resumedMs, double pagesInMs, double before, double after) {}

    static Comparison comparison(String trace, List<ComparedMode> modes, int repeat, Path directory)
            throws IOException {
        SampleResults samples = new SampleResults(42);
        List<Run> runs = new ArrayList<>();
        for (int turn = 1; turn <= repeat; turn++) {
            runs.add(samples.run(ComparedMode.NONE, turn, directory));
            for (ComparedMode mode : modes) {
                runs.add(samples.run(mode, turn, directory));
            }
        }
        return new Comparison(setup(trace, modes, repeat), runs);
    }

    static Setup setup(String trace, List<ComparedMode> modes, int repeat) {
        return new Setup(
                trace,
                List.of("--memory=1G", "--link=1gbit", "--rate=2000000", "--switch-at=0.2"),
                modes,
                repeat,
                Instant.parse("2026-11-21T12:00:00Z"),
                Machine.current());
    }

    private Run run(ComparedMode mode, int turn, Path directory) throws IOException {
        Path file = directory.resolve(mode + "-" + turn + ".json");
        Files.writeString(file, result(mode).toString());
        return Run.of(mode, turn, file);
    }

    JsonNode result(ComparedMode mode) {
        return switch (mode) {
            case POSTCOPY -> moved(mode, new Course(0.2, vary(14), vary(9_400), 1, 0.25));
            case PRECOPY -> moved(mode, new Course(vary(11_200), 0, 0, 0.93, 1));
            case HYBRID -> moved(mode, new Course(vary(9_200), 0, vary(1_500), 0.94, 0.7));
            case STOPCOPY -> moved(mode, new Course(0.2, vary(9_180), 0, 1, 1));
            case NONE -> unmoved();
        };
    }

    private double vary(double value) {
        return value * (0.9 + 0.2 * random.nextDouble());
    }

    private ObjectNode unmoved() {
        ObjectNode result = common(ComparedMode.NONE);
        result.put("guest_us", Math.round(vary(GUEST_MS) * 1_000 * 0.99));
        result.set("throughput", throughput(new Course(-1, -1, -1, 1, 1)));
        return result;
    }

    private static ObjectNode common(ComparedMode mode) {
        ObjectNode result = JSON.objectNode();
        result.put("schema", "userload.result/1");
        result.put("mode", mode.toString());
        result.put("verified", true);
        result.put("checksum", "779c1f27ad572654");
        result.put("page_size_bytes", 4096);
        result.put("memory_bytes", PAGES * 4096);
        result.put("trace_accesses", 48_000_000);
        result.put("trace_pages", 201_000);
        return result;
    }

    private ObjectNode moved(ComparedMode mode, Course given) {
        Course course = complete(mode, given);
        ObjectNode result = common(mode);
        result.put("interceptor", "userfaultfd");
        result.put("downtime_us", micros(course.resumedMs - course.pausedMs));
        result.put("total_us", micros(course.pagesInMs - course.pausedMs));
        result.put("migration_us", micros(course.pagesInMs));
        result.put(
                "guest_us", micros(vary(GUEST_MS) + (course.pagesInMs - course.pausedMs) * (1 - course.after) * 0.6));
        boolean rounds = mode == ComparedMode.PRECOPY || mode == ComparedMode.HYBRID;
        result.put("wire_bytes", Math.round(PAGES * 4_130 * (rounds ? 1.19 : 1.0)));
        boolean faults = mode == ComparedMode.POSTCOPY || mode == ComparedMode.HYBRID;
        result.putObject("pages")
                .put("total", PAGES)
                .put("zero", 21_000)
                .put("free", 42_000)
                .put("ballooned", 4_096)
                .put("field_of_a_later_version", 1);
        result.put("hint_bytes", 3_210).put("hint_us", Math.round(vary(4_200)));
        latency(result, faults ? (mode == ComparedMode.POSTCOPY ? 9_214 : 801) : 0);
        result.putObject("link").put("bytes_per_s", 125_000_000).put("rtt_us", 200);
        result.putObject("timeline")
                .put("paused_us", micros(course.pausedMs))
                .put("resumed_us", micros(course.resumedMs))
                .put("pages_in_us", micros(course.pagesInMs))
                .put("finished_us", micros(GUEST_MS - BEFORE_MS));
        result.set("throughput", throughput(course));
        rounds(result, mode);
        result.set("page_map", pageMap(mode, course));
        result.put("field_of_a_later_version", 1);
        return result;
    }

    private Course complete(ComparedMode mode, Course given) {
        return switch (mode) {
            case PRECOPY -> {
                double resumed = given.pausedMs + vary(110);
                yield new Course(given.pausedMs, resumed, resumed, given.before, given.after);
            }
            case HYBRID ->
                new Course(
                        given.pausedMs,
                        given.pausedMs + vary(18),
                        given.pausedMs + given.pagesInMs,
                        given.before,
                        given.after);
            case STOPCOPY -> new Course(given.pausedMs, given.resumedMs, given.resumedMs, given.before, given.after);
            default -> given;
        };
    }

    private static long micros(double millis) {
        return Math.round(millis * 1_000);
    }

    private ArrayNode throughput(Course course) {
        ArrayNode buckets = JSON.arrayNode();
        for (long at = -BEFORE_MS; at < GUEST_MS - BEFORE_MS; at += 10) {
            double speed = 1;
            if (at >= 0 && at < course.pausedMs) {
                speed = course.before;
            } else if (at + 10 > course.pausedMs && at < course.resumedMs) {
                speed = 0;
            } else if (at >= course.resumedMs && at < course.pagesInMs) {
                double done = (at - course.resumedMs) / (course.pagesInMs - course.resumedMs);
                speed = course.after + (1 - course.after) * done * done;
            }
            double noise = 1 + 0.03 * (random.nextDouble() - 0.5) - (random.nextInt(80) == 0 ? 0.2 : 0);
            buckets.addObject().put("t_us", at * 1_000).put("accesses", Math.round(FULL * speed * noise));
        }
        return buckets;
    }

    private void latency(ObjectNode result, long count) {
        ObjectNode summary = result.putObject("fault_latency_us");
        summary.put("count", count);
        double median = count == 0 ? 0 : vary(count > 1_000 ? 390 : 640);
        summary.put("p50", median)
                .put("p90", median * 2.1)
                .put("p99", median * 4.4)
                .put("p999", median * 9.0);
        summary.put("max", median * 14.0).put("mean", median * 1.1);
        result.put("blocked_us", Math.round(count * median * 1.1));
        ArrayNode cdf = result.putArray("fault_latency_cdf");
        for (int i = 0; count > 0 && i <= 200; i++) {
            double x = i / 200.0 * 6 - 3;
            double fraction = 1 / (1 + Math.exp(-2.4 * x));
            cdf.addObject()
                    .put("us", median * Math.pow(count > 1_000 ? 2.4 : 1.9, x))
                    .put("fraction", i == 200 ? 1 : fraction);
        }
    }

    private void rounds(ObjectNode result, ComparedMode mode) {
        ArrayNode rounds = result.putArray("rounds");
        long[] sent = switch (mode) {
            case PRECOPY -> new long[] {PAGES, 41_000, 12_300, 5_100, 2_900};
            case HYBRID -> new long[] {PAGES};
            default -> new long[0];
        };
        for (int i = 0; i < sent.length; i++) {
            double last = mode == ComparedMode.HYBRID ? 41_000 : 2_600;
            long dirty = Math.round(vary(i + 1 < sent.length ? (double) sent[i + 1] : last));
            rounds.addObject()
                    .put("pages_sent", sent[i])
                    .put("dirty_pages", dirty)
                    .put("us", Math.round(sent[i] / PAGES_PER_MS * 1_000));
        }
        result.put("converged", mode != ComparedMode.HYBRID);
        result.put("throttle_percent", 0);
        result.put("discarded_pages", mode == ComparedMode.HYBRID ? 41_000 : 0);
    }

    private ObjectNode pageMap(ComparedMode mode, Course course) {
        ObjectNode map = JSON.objectNode();
        map.put("pages_per_cell", PAGES / CELLS);
        ArrayNode cells = map.putArray("cells");
        for (int i = 0; i < CELLS; i++) {
            double linear = (double) i / CELLS;
            boolean hot = i % 512 < 90 && random.nextInt(3) > 0;
            ObjectNode cell = cells.addObject();
            switch (mode) {
                case POSTCOPY -> arrived(cell, hot ? null : linear, course.resumedMs, course.pagesInMs, "stream");
                case STOPCOPY -> arrived(cell, linear, 0, course.resumedMs, "stream");
                case PRECOPY -> {
                    double from = hot ? 0.82 + 0.18 * Math.sqrt(random.nextDouble()) : linear * 0.82;
                    arrived(cell, from, 0, course.resumedMs, "precopy");
                }
                default -> {
                    boolean late = hot && random.nextInt(3) > 0;
                    double from = late ? course.resumedMs : 0;
                    double to = late ? course.pagesInMs : course.pausedMs;
                    arrived(
                            cell,
                            late && random.nextInt(4) == 0 ? null : linear,
                            from,
                            to,
                            late ? "stream" : "precopy");
                }
            }
            if (i % 512 > 470) {
                cell.put("way", "zero");
            } else if (i % 256 > 210) {
                cell.put("way", "free");
            }
        }
        return map;
    }

    /** In address order, or at a random time on demand. */
    private void arrived(ObjectNode cell, @Nullable Double part, double fromMs, double toMs, String way) {
        double at = part == null ? Math.pow(random.nextDouble(), 3) * 0.6 : part;
        cell.put("t_us", micros(fromMs + (toMs - fromMs) * at));
        cell.put("way", part == null ? "demand" : way);
    }
}
