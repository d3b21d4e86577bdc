package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.destination.DestinationConfig;
import org.userload.migration.MigrationDestination;
import org.userload.support.CountingGuest;
import org.userload.support.Threads;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** The replay command in every mode, as a user runs it: two JVMs and an emulated link. */
@Timeout(180)
class ReplayModesIT {
    /** Of the shipped trace with seed 1, however it is replayed. */
    private static final String CHECKSUM = "779c1f27ad572654";

    private static final long LINK_BYTES_PER_SECOND = 12_500_000;

    @TempDir
    private static Path shared;

    @TempDir
    private Path directory;

    /** 4 MiB of memory, all of it written to again and again. */
    private static Path writes;

    @BeforeAll
    static void makeTrace() throws Exception {
        writes = shared.resolve("writes.ult.zst");
        Result made = UserloadProcess.run(
                "trace", "generate", "--pages=1024", "--accesses=3000000", "--writes=0.9", "--output=" + writes);
        assertThat(made.exitCode()).as(made.err()).isZero();
    }

    private JsonNode replay(String... more) throws Exception {
        Path json = directory.resolve("result.json");
        List<String> arguments = new ArrayList<>(List.of("replay", "--no-progress", "--json=" + json));
        arguments.addAll(List.of(more));
        Result result = UserloadProcess.run(arguments.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified");
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        assertIsSane(object);
        return object;
    }

    private static long sum(JsonNode array, String field) {
        long sum = 0;
        for (JsonNode entry : array) {
            sum += entry.get(field).asLong();
        }
        return sum;
    }

    /** What holds for every result of every mode. */
    private static void assertIsSane(JsonNode object) {
        JsonNode pages = object.get("pages");
        assertThat(pages.get("demand").asLong()
                        + pages.get("stream").asLong()
                        + pages.get("precopy").asLong()
                        + pages.get("zero").asLong()
                        + pages.get("free").asLong())
                .isEqualTo(pages.get("total").asLong());
        assertThat(sum(object.get("throughput"), "accesses"))
                .isEqualTo(object.get("trace_accesses").asLong());
        long before = Long.MIN_VALUE;
        for (JsonNode bucket : object.get("throughput")) {
            assertThat(bucket.get("t_us").asLong() % 10_000).isZero();
            assertThat(before == Long.MIN_VALUE || bucket.get("t_us").asLong() == before + 10_000)
                    .isTrue();
            before = bucket.get("t_us").asLong();
        }
        JsonNode timeline = object.get("timeline");
        long paused = timeline.get("paused_us").asLong();
        long resumed = timeline.get("resumed_us").asLong();
        long pagesIn = timeline.get("pages_in_us").asLong();
        assertThat(paused).isNotNegative();
        assertThat(object.get("downtime_us").asLong()).isPositive().isCloseTo(resumed - paused, within(2L));
        assertThat(object.get("total_us").asLong()).isCloseTo(pagesIn - paused, within(2L));
        assertThat(object.get("migration_us").asLong()).isEqualTo(pagesIn).isGreaterThanOrEqualTo(resumed);
        assertThat(timeline.get("finished_us").asLong()).isGreaterThanOrEqualTo(resumed);
        assertThat(object.get("guest_us").asLong())
                .isGreaterThanOrEqualTo(object.get("workload_us").asLong());
        double fraction = 0;
        for (JsonNode point : object.get("fault_latency_cdf")) {
            assertThat(point.get("fraction").asDouble()).isBetween(fraction, 1.0);
            fraction = point.get("fraction").asDouble();
        }
        assertThat(object.get("page_map").get("cells")).hasSizeLessThanOrEqualTo(4096);
        for (JsonNode cell : object.get("page_map").get("cells")) {
            assertThat(cell.get("way").asText()).isIn("demand", "stream", "zero", "free", "precopy");
            assertThat(cell.get("t_us").asLong()).isBetween(0L, pagesIn);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"postcopy", "precopy", "hybrid", "stopcopy"})
    void movedProgram_endsAsOneThatNeverMoved(String mode) throws Exception {
        JsonNode object = replay("--mode=" + mode, "--memory=8M", "--link=100mbit/1ms", "--switch-at=0.3");
        assertThat(object.get("mode").asText()).isEqualTo(mode);
        assertThat(object.get("checksum").asText()).isEqualTo(CHECKSUM);
        assertThat(object.get("link").get("bytes_per_s").asLong()).isEqualTo(LINK_BYTES_PER_SECOND);
        assertThat(object.get("link").get("rtt_us").asLong()).isEqualTo(1000);
        assertThat(object.get("pages").get("total").asLong()).isEqualTo(2048);
        assertThat(object.get("page_map").get("cells")).hasSize(2048);
        assertThat(object.get("migration_us").asLong())
                .as("no faster than the link")
                .isGreaterThan((8L << 20) * 1_000_000 / LINK_BYTES_PER_SECOND / 2);
        assertCourse(object, mode);
    }

    /** Threads that fetch their own pages: without an emulated link, over either kind of socket. */
    @ParameterizedTest
    @CsvSource({"postcopy, tcp", "postcopy, unix", "precopy, tcp", "hybrid, unix", "stopcopy, tcp"})
    void movedProgram_endsAsOneThatNeverMoved_whenItsThreadsFetchTheirPages(String mode, String socket)
            throws Exception {
        JsonNode object = replay(
                "--interceptor=signal",
                "--mode=" + mode,
                "--socket=" + socket,
                "--memory=64M",
                "--switch-at=0.3",
                "--zero-fraction=0.2",
                "--free-fraction=0.2");
        assertThat(object.get("mode").asText()).isEqualTo(mode);
        assertThat(object.get("interceptor").asText()).isEqualTo("signal");
        assertThat(object.get("checksum").asText()).isEqualTo(CHECKSUM);
    }

    @Test
    void pageThatAThreadFetches_countsOnce_asANetworkFault() throws Exception {
        JsonNode object = replay("--interceptor=signal", "--stream=off");
        long demand = object.get("pages").get("demand").asLong();
        long duplicate = object.get("pages").get("duplicate").asLong();
        assertThat(demand).as("pages touched while the stream waited").isGreaterThan(100);
        assertThat(object.get("prefetch").get("network_faults").asLong()).isBetween(demand, demand + duplicate);
    }

    @Test
    void signalInterceptor_isRefusedOverAnEmulatedLink() throws Exception {
        Result result = UserloadProcess.run("replay", "--no-progress", "--interceptor=signal", "--link=100mbit/1ms");
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.err())
                .contains("signal interceptor cannot be used", "emulated link")
                .doesNotContain("\tat ");
    }

    private static void assertCourse(JsonNode object, String mode) {
        JsonNode rounds = object.get("rounds");
        JsonNode pages = object.get("pages");
        switch (mode) {
            case "postcopy" -> {
                assertThat(rounds).isEmpty();
                assertThat(pages.get("precopy").asLong()).isZero();
                assertThat(object.get("converged").isNull()).isTrue();
            }
            case "stopcopy" -> {
                assertThat(rounds).hasSize(1);
                assertThat(pages.get("precopy").asLong()).isEqualTo(2048);
                assertThat(object.get("converged").isNull()).isTrue();
            }
            case "precopy" -> {
                assertThat(rounds).hasSizeGreaterThanOrEqualTo(2);
                assertThat(pages.get("precopy").asLong()).isEqualTo(2048);
                assertThat(object.get("converged").asBoolean()).isTrue();
                assertThat(object.get("discarded_pages").asLong()).isZero();
            }
            default -> {
                assertThat(rounds).hasSize(1);
                assertThat(pages.get("precopy").asLong())
                        .isEqualTo(2048 - object.get("discarded_pages").asLong());
            }
        }
        if (!rounds.isEmpty()) {
            assertThat(rounds.get(0).get("pages_sent").asLong()).isEqualTo(2048);
            assertThat(rounds.get(rounds.size() - 1).get("us").asLong()).isPositive();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "postcopy, continue",
        "precopy, continue",
        "precopy, throttle",
        "precopy, postcopy",
        "hybrid, continue",
        "stopcopy, continue"
    })
    void programThatWritesFasterThanTheLink_movesWhole(String mode, String action) throws Exception {
        JsonNode object = replay(
                "--trace=" + writes,
                "--rate=1500000",
                "--switch-at=0.2",
                "--mode=" + mode,
                "--link=100mbit",
                "--downtime-limit=5",
                "--max-rounds=3",
                "--on-non-convergence=" + action);
        assertThat(object.get("trace_accesses").asLong()).isEqualTo(3_000_000);
        if (mode.equals("precopy")) {
            assertThat(object.get("converged").asBoolean()).isFalse();
        }
        assertThat(object.get("throttle_percent").asInt()).isEqualTo(action.equals("throttle") ? 20 : 0);
        if (mode.equals("hybrid") || action.equals("postcopy")) {
            assertThat(object.get("discarded_pages").asLong()).isGreaterThan(500);
        } else {
            assertThat(object.get("discarded_pages").asLong()).isZero();
        }
    }

    @Test
    void migrationThatFails_leavesTheProgramAtItsSource_toItsEnd() throws Exception {
        Result result = UserloadProcess.run(
                "replay",
                "--no-progress",
                "--trace=" + writes,
                "--rate=1500000",
                "--switch-at=0.2",
                "--mode=precopy",
                "--link=100mbit",
                "--downtime-limit=5",
                "--on-non-convergence=fail");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .contains(
                        "the guest did not move",
                        "writes to its memory as fast as it can be sent",
                        "came to its end there, verified")
                .doesNotContain("\tat ", "WRONG");
        assertThat(result.out()).isEmpty();
    }

    @Test
    void trackerThatCannotBeHad_leavesTheProgramAtItsSource_toItsEnd() throws Exception {
        Result result = UserloadProcess.run("replay", "--no-progress", "--mode=precopy", "--tracker=soft-dirty");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .contains("soft-dirty cannot be used", "use uffd-wp or access-layer", "came to its end there, verified")
                .doesNotContain("\tat ");
    }

    /** The source process of a replay, whose parent is this test. */
    private static final class Source implements AutoCloseable {
        final Process process;
        final BufferedReader lines;

        Source(Path err, String... arguments) throws IOException {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-jar",
                    Path.of(System.getProperty("userload.jar", "target/userload.jar"))
                            .toAbsolutePath()
                            .toString(),
                    "replay-source",
                    "--listen=127.0.0.1:0"));
            command.addAll(List.of(arguments));
            process = new ProcessBuilder(command)
                    .redirectError(Redirect.to(err.toFile()))
                    .start();
            lines = process.inputReader();
        }

        Endpoint endpoint() throws IOException {
            String line = lines.readLine();
            assertThat(line).startsWith("READY ");
            return Endpoint.parse(line.substring("READY ".length()));
        }

        int exitCode() throws InterruptedException {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private static MigrationDestination open(Endpoint source) throws IOException {
        return MigrationDestination.open(
                DestinationConfig.from(source).withLink(Link.parse("100mbit")),
                memory -> new CountingGuest(new CountingGuest.Census(), ""));
    }

    @Test
    void sourceWhoseDestinationDiesInARound_goesOn_andIsVerified() throws Exception {
        Path err = directory.resolve("err");
        try (Source source = new Source(
                err,
                "--trace=" + writes,
                "--rate=1500000",
                "--switch-at=0.2",
                "--mode=precopy",
                "--link=100mbit",
                "--downtime-limit=5")) {
            try (MigrationDestination destination = open(source.endpoint())) {
                Threads.await("round 0", 60, () -> {
                    long pages = destination.destination().statistics().pages().precopy();
                    return pages > 0 && pages < 1024;
                });
            }
            String line = source.lines.readLine();
            assertThat(line).startsWith("STAYED ");
            JsonNode stayed = new ObjectMapper().readTree(line.substring("STAYED ".length()));
            assertThat(stayed.get("verified").asBoolean()).isTrue();
            assertThat(stayed.get("why").asText()).contains("runs on here");
            assertThat(source.exitCode()).isEqualTo(1);
            assertThat(Files.readString(err)).doesNotContain("\tat ");
        }
    }

    @Test
    void sourceWhoseDestinationDiesWithTheGuest_saysThatItIsLost() throws Exception {
        Path err = directory.resolve("err");
        try (Source source =
                new Source(err, "--trace=" + writes, "--switch-at=0.2", "--mode=postcopy", "--link=100mbit")) {
            try (MigrationDestination destination = open(source.endpoint())) {
                destination.resumed().get(60, TimeUnit.SECONDS);
                Threads.await(
                        "it is paged in",
                        60,
                        () -> destination.destination().statistics().pagesInPlace() > 0);
            }
            assertThat(source.exitCode()).isEqualTo(1);
            assertThat(source.lines.readLine()).as("neither moved nor stayed").isNull();
            assertThat(Files.readString(err))
                    .contains("the guest has moved, but the destination did not get all of its memory", "is lost")
                    .doesNotContain("\tat ");
        }
    }

    /** 64 MiB take more than 5 s, so it is in the middle of them. */
    @ParameterizedTest
    @CsvSource({"precopy, tcp", "hybrid, unix", "stopcopy, unix", "postcopy, tcp"})
    void interruptInTheMiddle_endsBothProcesses_andLeavesNothing(String mode, String socket) throws Exception {
        Path place = Files.createDirectory(directory.resolve("tmp"));
        try (UserloadProcess replay = UserloadProcess.startInJvm(
                List.of("-Djava.io.tmpdir=" + place),
                "replay",
                "--mode=" + mode,
                "--socket=" + socket,
                "--memory=64M",
                "--link=100mbit")) {
            ProcessHandle source = replay.child();
            replay.awaitUntil(() -> {
                try {
                    return replay.err().contains("paging in: ");
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            new ProcessBuilder("kill", "-INT", Long.toString(replay.handle().pid()))
                    .start()
                    .waitFor();
            Result result = replay.await();
            assertThat(result.exitCode()).isNotZero();
            assertThat(result.out()).isEmpty();
            assertThat(result.err()).doesNotContain("\tat ");
            source.onExit().get(10, TimeUnit.SECONDS);
            try (var left = Files.list(place)) {
                assertThat(left.map(path -> path.getFileName().toString())
                                .filter(name -> name.startsWith("userload"))
                                .toList())
                        .isEmpty();
            }
        }
    }
}
