package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/**
 * Memory that need not move, as a user moves it: every value of every option with every value of every other one, in as few
 * runs as a greedy search finds. Each run is verified byte for byte by the command itself, which {@link NeverMovedTest} tests.
 */
@Timeout(180)
class ReplayFreeMemoryIT {
    private static final int TRACE_PAGES = 256;
    private static final int PAGES = 4096;
    private static final int COLD_PAGES = PAGES - TRACE_PAGES;
    private static final int BALLOON_PAGES = 512;

    /** The migration waits for hints no longer than this. */
    private static final long LONGEST_HINT_US = 100_000;

    /** The first value of each option is its default, but for modes and interceptors. */
    private static final Map<String, List<String>> CHOICES = choices();

    private static final List<Map<String, String>> RUNS = pairwise();

    private static final AtomicInteger RUNS_THAT_SAVED_ALL = new AtomicInteger();

    @TempDir
    private static Path shared;

    @TempDir
    private Path directory;

    private static Path trace;

    private static Map<String, List<String>> choices() {
        Map<String, List<String>> choices = new LinkedHashMap<>();
        choices.put("--mode", List.of("postcopy", "precopy", "hybrid", "stopcopy"));
        choices.put("--interceptor", List.of("userfaultfd", "software"));
        choices.put("--hints", List.of("on", "off"));
        choices.put("--poison", List.of("", "1122334455667788"));
        choices.put("--zero-fraction", List.of("0", "0.3"));
        choices.put("--free-fraction", List.of("0", "0.5"));
        choices.put("--balloon", List.of("0", BALLOON_PAGES * 4 + "k"));
        choices.put("--compress", List.of("none", "lz4", "zstd"));
        choices.put("--delta-cache", List.of("0", "1M"));
        choices.put("--link", List.of("", "1gbit/200us"));
        choices.put("--tracker", List.of("auto", "access-layer"));
        return choices;
    }

    private static boolean isPossible(Map<String, String> run) {
        return !("off".equals(run.get("--hints"))
                && !run.getOrDefault("--poison", "").isEmpty());
    }

    private static Set<Map<String, String>> pairsOf(Map<String, String> run) {
        Set<Map<String, String>> pairs = new HashSet<>();
        for (Map.Entry<String, String> one : run.entrySet()) {
            for (Map.Entry<String, String> other : run.entrySet()) {
                if (!one.getKey().equals(other.getKey())) {
                    pairs.add(Map.of(one.getKey(), one.getValue(), other.getKey(), other.getValue()));
                }
            }
        }
        return pairs;
    }

    private static Set<Map<String, String>> allPairs() {
        Set<Map<String, String>> pairs = new HashSet<>();
        CHOICES.forEach((one, values) -> CHOICES.forEach((other, others) -> {
            for (String value : values) {
                for (String otherValue : others) {
                    if (!one.equals(other)) {
                        pairs.add(Map.of(one, value, other, otherValue));
                    }
                }
            }
        }));
        pairs.removeIf(pair -> !isPossible(pair));
        return pairs;
    }

    /** The same runs each time: of many random ones always that with the most new pairs. */
    private static List<Map<String, String>> pairwise() {
        SplittableRandom random = new SplittableRandom(4);
        Set<Map<String, String>> left = allPairs();
        List<Map<String, String>> runs = new ArrayList<>();
        while (!left.isEmpty()) {
            Map<String, String> best = Map.of();
            long mostNew = 0;
            for (int i = 0; i < 500; i++) {
                Map<String, String> run = new LinkedHashMap<>();
                CHOICES.forEach((option, values) -> run.put(option, values.get(random.nextInt(values.size()))));
                if (isPossible(run)) {
                    long isNew = pairsOf(run).stream().filter(left::contains).count();
                    if (isNew > mostNew) {
                        mostNew = isNew;
                        best = run;
                    }
                }
            }
            runs.add(best);
            left.removeAll(pairsOf(best));
        }
        return runs;
    }

    static Stream<String> runs() {
        return RUNS.stream().map(run -> {
            List<String> options = new ArrayList<>();
            run.forEach((option, value) -> {
                if (!value.isEmpty()) {
                    options.add(option + "=" + value);
                }
            });
            return String.join(" ", options);
        });
    }

    @BeforeAll
    static void makeTrace() throws Exception {
        trace = shared.resolve("trace.ult");
        Result made = UserloadProcess.run(
                "trace",
                "generate",
                "--pages=" + TRACE_PAGES,
                "--accesses=200000",
                "--writes=0.5",
                "--output=" + trace);
        assertThat(made.exitCode()).as(made.err()).isZero();
    }

    private JsonNode replay(List<String> options) throws Exception {
        Path json = directory.resolve("result.json");
        List<String> arguments = new ArrayList<>(List.of(
                "replay",
                "--no-progress",
                "--trace=" + trace,
                "--memory=" + PAGES * 4 + "k",
                "--rate=400000",
                "--switch-at=0.3",
                "--json=" + json));
        arguments.addAll(options);
        Result result = UserloadProcess.run(arguments.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.out() + result.err()).isZero();
        assertThat(result.out()).contains("verified");
        return new ObjectMapper().readTree(json.toFile());
    }

    @Test
    void everyPairOfValues_isAmongTheRuns() {
        Set<Map<String, String>> pairs = new HashSet<>();
        RUNS.forEach(run -> pairs.addAll(pairsOf(run)));
        assertThat(pairs).containsAll(allPairs());
        assertThat(RUNS).hasSizeLessThanOrEqualTo(18);
    }

    @ParameterizedTest
    @MethodSource("runs")
    void guestWithMemoryThatNeedNotMove_endsAsOneThatNeverMoved(String options) throws Exception {
        JsonNode result = replay(List.of(options.split(" ")));
        assertThat(result.get("verified").asBoolean()).isTrue();
        JsonNode pages = result.get("pages");
        long free = pages.get("free").asLong();
        long zero = options.contains("--zero-fraction=0.3") ? COLD_PAGES * 3 / 10 : 0;
        long ballooned = options.contains("--balloon=0") ? 0 : BALLOON_PAGES;
        assertThat(pages.get("total").asLong()).isEqualTo(PAGES);
        assertThat(pages.get("ballooned").asLong()).isEqualTo(ballooned);
        assertThat(pages.get("zero").asLong()).isEqualTo(zero + ballooned);
        assertThat(pages.get("demand").asLong()
                        + pages.get("stream").asLong()
                        + pages.get("precopy").asLong()
                        + pages.get("zero").asLong()
                        + free)
                .isEqualTo(PAGES);
        boolean hints = options.contains("--hints=on") && options.contains("--free-fraction=0.5");
        assertThat(free).isBetween(0L, hints ? COLD_PAGES / 2L : 0L);
        if (!hints) {
            assertThat(result.get("hint_bytes").asLong()).isZero();
            assertThat(result.get("hint_us").asLong()).isZero();
        } else if (result.get("hint_us").asLong() < LONGEST_HINT_US) {
            assertThat(free).as("the guest has answered in time").isEqualTo(COLD_PAGES / 2);
            assertThat(result.get("hint_bytes").asLong()).isPositive();
            RUNS_THAT_SAVED_ALL.incrementAndGet();
        }
        for (JsonNode cell : result.get("page_map").get("cells")) {
            assertThat(cell.get("way").asText()).isIn("demand", "stream", "zero", "free", "precopy");
        }
    }

    @AfterAll
    static void hintsDidSomething() {
        assertThat(RUNS_THAT_SAVED_ALL.get()).isPositive();
    }
}
