package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** Working sets as a user records and uses them: two JVMs, real sockets, the shipped trace of a real program. */
@Timeout(240)
class WorkingSetIT {
    private static final String CHECKSUM = "779c1f27ad572654";

    @TempDir
    private Path directory;

    private JsonNode replay(String... more) throws Exception {
        return replayed(more).json;
    }

    private record Replayed(JsonNode json, Result result) {}

    private Replayed replayed(String... more) throws Exception {
        Path json = directory.resolve("result.json");
        Files.deleteIfExists(json);
        List<String> arguments = new ArrayList<>(List.of("replay", "--no-progress", "--json=" + json));
        arguments.addAll(List.of(more));
        Result result = UserloadProcess.run(arguments.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", CHECKSUM);
        return new Replayed(new ObjectMapper().readTree(json.toFile()), result);
    }

    private Path record(String... more) throws Exception {
        Path file = directory.resolve("guest.uws");
        List<String> arguments = new ArrayList<>(List.of(more));
        arguments.add("--record-working-set=" + file);
        JsonNode recorded = replay(arguments.toArray(String[]::new)).get("prefetch");
        assertThat(recorded.get("background_stream").asBoolean()).isFalse();
        // Every first touch is a fault.
        assertThat(recorded.get("network_faults").asLong())
                .isEqualTo(recorded.get("touched_pages").asLong());
        return file;
    }

    /** Published for this: 21 % with bubbling, 3 % with a recorded working set. */
    @ParameterizedTest
    @ValueSource(strings = {"userfaultfd", "software"})
    void recordedWorkingSet_leavesFewFaultsForTheNetwork(String interceptor) throws Exception {
        String[] options = {
            "--memory=64M", "--switch-at=0", "--link=1gbit/200us", "--rate=3000000", "--interceptor=" + interceptor
        };
        Path file = record(options);
        assertThat(Files.size(file)).isLessThan(3 * 734 + 100);
        JsonNode without = replay(options).get("prefetch");
        List<String> with = new ArrayList<>(List.of(options));
        with.add("--working-set=" + file);
        JsonNode prefetch = replay(with.toArray(String[]::new)).get("prefetch");
        System.out.println("network faults of " + without.get("touched_pages") + ": " + without.get("network_faults")
                + " without, " + prefetch.get("network_faults") + " with the working set: " + prefetch);
        assertThat(prefetch.get("hits").asLong()).isEqualTo(734);
        assertThat(prefetch.get("wasted").asLong()).isZero();
        assertThat(prefetch.get("network_faults").asLong())
                .isLessThan(prefetch.get("touched_pages").asLong() / 20);
    }

    @Test
    void recordedByLoad_isUsedByLoad() throws Exception {
        Path image = directory.resolve("image.raw");
        try (RandomAccessFile out = new RandomAccessFile(image.toFile(), "rw")) {
            for (int page = 0; page < 2_000; page++) {
                out.seek(page * 4096L);
                out.writeLong(page + 1);
            }
            out.setLength(2_000 * 4096L);
        }
        StringBuilder lines = new StringBuilder("op,address,size\n");
        for (int page = 1_999; page > 0; page -= 7) {
            lines.append("R,").append(page * 4096).append(",8\n");
        }
        Path trace = Files.writeString(directory.resolve("trace.csv"), lines.toString());
        Path file = directory.resolve("image.uws");
        JsonNode recorded = load(image, "--trace=" + trace, "--record-working-set=" + file);
        assertThat(recorded.get("network_faults").asLong()).isEqualTo(286);
        JsonNode used = load(image, "--trace=" + trace, "--working-set=" + file);
        assertThat(used.get("preferred").asLong()).isEqualTo(286);
        assertThat(used.get("wasted").asLong()).isZero();
    }

    private JsonNode load(Path image, String... more) throws Exception {
        Path json = directory.resolve("load.json");
        Path copy = directory.resolve("copy.raw");
        String socket = "unix:" + directory.resolve("source.sock");
        try (UserloadProcess server =
                UserloadProcess.start("serve", "--image=" + image, "--listen=" + socket, "--once")) {
            server.awaitUntil(() -> Files.exists(directory.resolve("source.sock")));
            List<String> arguments = new ArrayList<>(
                    List.of("load", "--no-progress", "--from=" + socket, "--output=" + copy, "--json=" + json));
            arguments.addAll(List.of(more));
            Result result = UserloadProcess.run(arguments.toArray(String[]::new));
            assertThat(result.exitCode()).as(result.err()).isZero();
            assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
            return new ObjectMapper().readTree(json.toFile()).get("prefetch");
        }
    }

    @Test
    void workingSetOfAnotherGuest_andADamagedOne_areIgnored_withAWarningThatSaysWhy() throws Exception {
        Path file = record("--memory=8M");
        Replayed other = replayed("--memory=16M", "--working-set=" + file);
        assertThat(other.result.err())
                .containsOnlyOnce("the recorded working set is ignored")
                .contains("2,048 pages", "4,096 pages");
        assertThat(other.json.get("prefetch").get("preferred").asLong()).isZero();

        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        Replayed damaged = replayed("--memory=8M", "--working-set=" + file);
        assertThat(damaged.result.err())
                .containsOnlyOnce("the recorded working set is ignored")
                .contains(file.toString(), "checksum is wrong")
                .doesNotContain("\tat ");
    }

    @Test
    void wrongUse_isExplained() throws Exception {
        String file = directory.resolve("guest.uws").toString();
        assertUsage("give --mode=postcopy", "replay", "--mode=precopy", "--record-working-set=" + file);
        assertUsage("give one of the two", "replay", "--record-working-set=" + file, "--working-set=" + file);
        assertUsage("'magic' is not a policy", "replay", "--prefetch=magic");
        assertUsage("'adaptive:3' is not a policy", "replay", "--prefetch=adaptive:3");
        assertUsage("a fixed window is 1 to 512 pages, not 513", "replay", "--prefetch=fixed:513");
        assertUsage("give --trace", "load", "--from=127.0.0.1:1", "--output=" + file, "--record-working-set=" + file);
        Result missing = UserloadProcess.run("replay", "--no-progress", "--working-set=" + file);
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("cannot read " + file, "no such file");
        Result unwritable = UserloadProcess.run("replay", "--record-working-set=/proc/none/guest.uws");
        assertThat(unwritable.exitCode()).isEqualTo(1);
        assertThat(unwritable.err()).contains("cannot write /proc/none/guest.uws");
    }

    private static void assertUsage(String message, String... arguments) throws Exception {
        Result result = UserloadProcess.run(arguments);
        assertThat(result.exitCode()).as(result.err()).isEqualTo(2);
        assertThat(result.err()).contains(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "fixed:8", "adaptive", "bubbling"})
    void everyPolicy_endsAsOneThatNeverMoved_withAndWithoutTheStream(String policy) throws Exception {
        for (String stream : List.of("on", "off")) {
            JsonNode prefetch = replay("--memory=16M", "--prefetch=" + policy, "--stream=" + stream)
                    .get("prefetch");
            assertThat(prefetch.get("policy").asText()).isEqualTo(policy);
            assertThat(prefetch.get("background_stream").asBoolean()).isEqualTo(stream.equals("on"));
        }
        for (String interceptor : List.of("userfaultfd", "software")) {
            replay("--mode=hybrid", "--prefetch=" + policy, "--stream=off", "--interceptor=" + interceptor);
        }
    }
}
