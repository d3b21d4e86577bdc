package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** The replay command as a user runs it: two JVMs, real sockets, the shipped trace of a real program. */
@Timeout(180)
class ReplayIT {
    /** A whole progress line; the last one may still be being written. */
    private static final Pattern PROGRESS = Pattern.compile("paging in: ([\\d,]+) of [\\d,]+ pages \\(\\d+ %\\), "
            + "\\d+ MB/s, [\\d,]+ faults, ETA (?:\\?|\\d+:\\d\\d:\\d\\d)\\R");

    /** The checksum of the shipped trace with seed 1, the same wherever and however it is replayed. */
    private static final String CHECKSUM = "779c1f27ad572654";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({
        "userfaultfd, tcp, 0.5",
        "software, tcp, 0.5",
        "userfaultfd, unix, 0.3",
        "userfaultfd, tcp, 0",
        "software, unix, 1"
    })
    void movedProgram_endsAsOneThatNeverMoved(String interceptor, String socket, String switchAt) throws Exception {
        Path json = directory.resolve("result.json");
        Result result = UserloadProcess.run(
                "replay",
                "--memory=32M",
                "--interceptor=" + interceptor,
                "--socket=" + socket,
                "--switch-at=" + switchAt,
                "--json=" + json);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", CHECKSUM, interceptor);
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        assertThat(object.get("schema").asText()).isEqualTo("userload.result/1");
        assertThat(object.get("mode").asText()).isEqualTo("postcopy");
        assertThat(object.get("interceptor").asText()).isEqualTo(interceptor);
        assertThat(object.get("verified").asBoolean()).isTrue();
        assertThat(object.get("checksum").asText()).isEqualTo(CHECKSUM);
        assertThat(object.get("memory_bytes").asLong()).isEqualTo(32 << 20);
        JsonNode pages = object.get("pages");
        assertThat(pages.get("demand").asLong()
                        + pages.get("stream").asLong()
                        + pages.get("zero").asLong()
                        + pages.get("free").asLong())
                .isEqualTo(pages.get("total").asLong())
                .isEqualTo(8192);
    }

    /** 8 MiB take at least two thirds of a second at 100 Mbit/s, however slow the machine is. */
    @Test
    void programMovedOverAnEmulatedLink_isVerified_andTakesTheTimeOfItsBytes() throws Exception {
        Path json = directory.resolve("result.json");
        Result result = UserloadProcess.run("replay", "--memory=8M", "--link=100mbit", "--json=" + json);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", CHECKSUM);
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        assertThat(object.get("total_us").asLong()).isGreaterThan(8 * (1 << 20) * 2 / 25);
    }

    @ParameterizedTest
    @CsvSource({
        "postcopy, zstd", "postcopy, lz4", "precopy, zstd", "precopy, lz4",
        "hybrid, zstd", "hybrid, lz4", "stopcopy, zstd", "stopcopy, lz4"
    })
    void compressedProgram_endsAsOneThatNeverMoved(String mode, String how) throws Exception {
        Path json = directory.resolve("result.json");
        Result result = UserloadProcess.run(
                "replay",
                "--no-progress",
                "--memory=6M",
                "--mode=" + mode,
                "--compress=" + how,
                "--delta-cache=2M",
                "--json=" + json);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", CHECKSUM, "compression");
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        JsonNode compression = object.get("compression");
        assertThat(compression.get("algorithm").asText()).isEqualTo(how);
        long pages = compression.get("pages_packed").asLong()
                + compression.get("pages_raw").asLong();
        assertThat(compression.get("bytes_in").asLong()).isEqualTo(pages << 12).isPositive();
        assertThat(compression.get("bytes_out").asLong()).isLessThanOrEqualTo(pages << 12);
        boolean inRounds = mode.equals("precopy") || mode.equals("hybrid");
        assertThat(result.out().contains("deltas")).isEqualTo(inRounds);
        assertThat(object.get("delta").isNull()).isEqualTo(!inRounds);
        if (inRounds) {
            assertThat(names(object.get("delta")))
                    .containsExactlyInAnyOrder("cache_bytes", "hits", "misses", "bytes_saved", "hit_rate");
        }
    }

    @Test
    void tooSmallDeltaCache_isWrongUsage() throws Exception {
        Result result = UserloadProcess.run("replay", "--delta-cache=100");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).contains("--delta-cache is 0 for none, or at least a page of 4096 bytes");
    }

    @Test
    void absurdLink_isRefused_withTheRightForm() throws Exception {
        Result result = UserloadProcess.run("replay", "--link=0gbit");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err())
                .contains("'0gbit' is not a link", "write RATE[/RTT]", "100mbit/200us")
                .doesNotContain("\tat ");
    }

    @Test
    void loops_andARate_moveToTheSameEndAsFullSpeed() throws Exception {
        Path paced = directory.resolve("paced.json");
        Path fast = directory.resolve("fast.json");
        String[] options = {
            "replay", "--no-progress", "--loops=3", "--switch-at=0.6", "--rate=30000000", "--json=" + paced
        };
        Result result = UserloadProcess.run(options);
        assertThat(result.exitCode()).as(result.err()).isZero();
        options[4] = "--seed=1";
        options[5] = "--json=" + fast;
        assertThat(UserloadProcess.run(options).exitCode()).isZero();
        JsonNode object = new ObjectMapper().readTree(paced.toFile());
        assertThat(object.get("verified").asBoolean()).isTrue();
        assertThat(object.get("trace_accesses").asLong()).isEqualTo(3 * 5_272_872L);
        assertThat(object.get("checksum").asText())
                .isEqualTo(new ObjectMapper()
                        .readTree(fast.toFile())
                        .get("checksum")
                        .asText())
                .isNotEqualTo(CHECKSUM);
    }

    @Test
    void json_hasEveryFieldOfItsSchema() throws Exception {
        Path json = directory.resolve("result.json");
        assertThat(UserloadProcess.run("replay", "--no-progress", "--json=" + json)
                        .exitCode())
                .isZero();
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        assertThat(names(object))
                .containsExactlyInAnyOrder(
                        "schema",
                        "mode",
                        "interceptor",
                        "verified",
                        "checksum",
                        "page_size_bytes",
                        "memory_bytes",
                        "trace_accesses",
                        "trace_pages",
                        "downtime_us",
                        "total_us",
                        "pages",
                        "wire_bytes",
                        "fault_latency_us",
                        "blocked_us",
                        "workload_us",
                        "migration_us",
                        "guest_us",
                        "timeline",
                        "fault_latency_cdf",
                        "rounds",
                        "converged",
                        "throttle_percent",
                        "discarded_pages",
                        "link",
                        "compression",
                        "delta",
                        "throughput",
                        "page_map",
                        "hint_bytes",
                        "hint_us",
                        "huge_pages",
                        "prefetch",
                        "released_pages");
        assertThat(names(object.get("prefetch")))
                .containsExactlyInAnyOrder(
                        "policy",
                        "background_stream",
                        "network_faults",
                        "touched_pages",
                        "preferred",
                        "came",
                        "awaited",
                        "late",
                        "hits",
                        "wasted");
        assertThat(names(object.get("pages")))
                .containsExactlyInAnyOrder(
                        "total", "demand", "stream", "precopy", "zero", "free", "ballooned", "duplicate");
        assertThat(names(object.get("fault_latency_us")))
                .containsExactlyInAnyOrder("count", "p50", "p90", "p99", "p999", "max", "mean");
        assertThat(object.get("downtime_us").asLong()).isPositive();
        assertThat(object.get("total_us").asLong())
                .isGreaterThan(object.get("downtime_us").asLong());
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new TreeSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void lackeyOutput_isReplayedAsItIs() throws Exception {
        Path trace = directory.resolve("trace.lackey");
        Files.writeString(trace, "==1== Lackey\nI  04001000,3\n L 1ffeff0010,8\n S 1ffefffffc,8\n M 05000000,4\n");
        Result result = UserloadProcess.run("replay", "--trace=" + trace, "--seed=7");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", "5 pages touched by 4 accesses");
    }

    @Test
    void unprivilegedUser_getsSoftwareInterceptor_andOneWarningThatNamesTheFix() throws Exception {
        List<String> asNobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
        Result result = UserloadProcess.runWith(asNobody, "replay", "--no-progress");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", "interceptor software");
        assertThat(result.err()).containsOnlyOnce("vm.unprivileged_userfaultfd=1");
        Result refused = UserloadProcess.runWith(asNobody, "replay", "--interceptor=userfaultfd", "--no-progress");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("userfaultfd cannot be used", "vm.unprivileged_userfaultfd=1");
        assertThat(refused.err()).doesNotContain("\tat ");
    }

    @Test
    void killedSource_failsWithinFiveSeconds_andSaysSo() throws Exception {
        try (UserloadProcess replay = UserloadProcess.start("replay", "--memory=3G")) {
            ProcessHandle source = replay.child();
            replay.awaitUntil(() -> pagesReported(replay) > 0);
            assertThat(replay.out()).isEmpty();
            source.destroyForcibly();
            long killedNanos = System.nanoTime();
            Result result = replay.await();
            assertThat(System.nanoTime() - killedNanos).isLessThan(TimeUnit.SECONDS.toNanos(5));
            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.err()).contains("is lost").doesNotContain("\tat ");
            assertThat(source.isAlive()).isFalse();
        }
    }

    /** The pages in place as of the last progress line. */
    private static long pagesReported(UserloadProcess replay) {
        try {
            Matcher line = PROGRESS.matcher(replay.err());
            long pages = 0;
            while (line.find()) {
                pages = Long.parseLong(line.group(1).replace(",", ""));
            }
            return pages;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void interrupt_endsBothProcesses() throws Exception {
        try (UserloadProcess replay = UserloadProcess.start("replay", "--memory=1G")) {
            ProcessHandle source = replay.child();
            new ProcessBuilder("kill", "-INT", Long.toString(replay.handle().pid()))
                    .start()
                    .waitFor();
            Result result = replay.await();
            assertThat(result.exitCode()).isNotZero();
            source.onExit().get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void killedDestination_takesItsSourceWithIt() throws Exception {
        try (UserloadProcess replay = UserloadProcess.start("replay", "--memory=1G")) {
            ProcessHandle source = replay.child();
            replay.handle().destroyForcibly();
            source.onExit().get(10, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', empty",
        "'I  0400,3\n L zzz,8\n', line 2",
        "'op,address,size\nR,0x1000,8\nX,0x1000,8\n', line 3",
        "'what is this', what is this"
    })
    void wrongTrace_isOneMessage_thatNamesFileAndPlace(String content, String expected) throws Exception {
        Path trace = directory.resolve("wrong.trace");
        Files.writeString(trace, content);
        Result result = UserloadProcess.run("replay", "--trace=" + trace);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains(trace.toString()).containsIgnoringCase(expected);
        assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void missingTrace_isNamed() throws Exception {
        Path trace = directory.resolve("none.ult");
        Result result = UserloadProcess.run("replay", "--trace=" + trace);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains(trace.toString(), "no such").doesNotContain("\tat ");
    }

    @Test
    void traceLargerThanMemory_isWrongUsage() throws Exception {
        Result result = UserloadProcess.run("replay", "--memory=1M");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).contains("--memory", "734 pages");
    }

    @Test
    void unwritableJson_isFoundBeforeTheWork() throws Exception {
        Result result = UserloadProcess.run("replay", "--memory=4G", "--json=" + directory.resolve("no/such/x.json"));
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("cannot write", "no directory");
        assertThat(result.err().lines()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "--interceptor, 'auto, userfaultfd, software'",
        "--mode, 'postcopy, precopy, hybrid, stopcopy'",
        "--socket, 'tcp, unix'"
    })
    void wrongChoice_isAnsweredWithTheNamesOfTheHelp(String option, String names) throws Exception {
        Result result = UserloadProcess.run("replay", option + "=magic");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).contains(option, "'magic' is not one of " + names);
        assertThat(UserloadProcess.run("replay", "--help").out().replaceAll("\\s+", " "))
                .contains(names);
    }

    @Test
    void choice_isReadInAnyCase() throws Exception {
        Result result = UserloadProcess.run("replay", "--no-progress", "--interceptor=SoftWare");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("interceptor software");
    }

    @ParameterizedTest
    @CsvSource({
        "--switch-at=1.5",
        "--switch-at=NaN",
        "--memory=lots",
        "--interceptor=magic",
        "--no-such-option",
        "--rate=0",
        "--rate=-1",
        "--rate=fast",
        "--loops=0",
        "--loops=-1",
        "--loops=9223372036854775807"
    })
    void wrongOption_isWrongUsage(String option) throws Exception {
        Result result = UserloadProcess.run("replay", option);
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).isNotBlank().doesNotContain("\tat ");
    }
}
