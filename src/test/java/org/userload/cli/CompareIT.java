package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.support.Chromium;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** The compare command as a user runs it: real replays in processes of their own. */
@Timeout(300)
class CompareIT {
    private static final List<String> AS_NOBODY =
            List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

    @TempDir
    private Path directory;

    @Test
    void modesAreRunInTurns_andReportedInEveryForm() throws Exception {
        Path json = directory.resolve("all.json");
        Path csv = directory.resolve("runs.csv");
        Path html = directory.resolve("page.html");
        Result result = UserloadProcess.run(
                "compare",
                "--modes=postcopy",
                "--repeat=2",
                "--memory=16M",
                "--loops=2",
                "--json=" + json,
                "--csv=" + csv,
                "--html=" + html);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.err())
                .containsSubsequence(
                        "run 1 of 4: unmoved, turn 1",
                        "run 2 of 4: post-copy, turn 1",
                        "run 3 of 4: unmoved, turn 2",
                        "run 4 of 4: post-copy, turn 2");
        assertThat(result.out()).contains("16.0 MiB", "downtime", "2/2", "Unmoved, the guest takes");
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        assertThat(object.get("schema").asText()).isEqualTo("userload.comparison/1");
        assertThat(object.get("runs").findValuesAsText("mode"))
                .filteredOn(mode -> !mode.isEmpty())
                .contains("none", "postcopy");
        assertThat(object.at("/summary/postcopy/good").asInt()).isEqualTo(2);
        assertThat(object.at("/summary/none/figures/guest_us/median").asDouble())
                .isPositive();
        JsonNode unmoved = object.at("/runs/0/result");
        JsonNode moved = object.at("/runs/1/result");
        assertThat(moved.get("verified").asBoolean()).isTrue();
        assertThat(unmoved.get("checksum")).isEqualTo(moved.get("checksum"));
        assertThat(throughput(unmoved)).isEqualTo(unmoved.get("trace_accesses").asLong());
        assertThat(Files.readAllLines(csv))
                .hasSize(5)
                .allSatisfy(line -> assertThat(line.split(",", -1)).hasSize(21));
        Chromium.Page page = Chromium.open(html);
        assertThat(page.console()).isEmpty();
        assertThat(page.dom()).contains("data-series=", "<path ", "2/2");
    }

    @Test
    void everyMode_isComparedByDefault_andHasItsPlots() throws Exception {
        Path json = directory.resolve("all.json");
        Path html = directory.resolve("page.html");
        Result result = UserloadProcess.run(
                "compare", "--repeat=1", "--memory=16M", "--link=1gbit/100us", "--json=" + json, "--html=" + html);
        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonNode summary = new ObjectMapper().readTree(json.toFile()).get("summary");
        assertThat(summary.fieldNames())
                .toIterable()
                .containsExactly("postcopy", "precopy", "hybrid", "stopcopy", "none");
        assertThat(summary)
                .allSatisfy(mode -> assertThat(mode.get("good").asInt()).isEqualTo(1));
        for (String mode : List.of("postcopy", "precopy", "hybrid", "stopcopy")) {
            assertThat(summary.get(mode).get("figures").fieldNames())
                    .toIterable()
                    .contains("downtime_us", "migration_us", "sent_ratio", "faults", "guest_us", "slowdown");
        }
        Chromium.Page page = Chromium.open(html);
        assertThat(page.console()).isEmpty();
        for (String id : List.of("throughput", "times", "rounds", "pages")) {
            String section = page.dom().substring(page.dom().indexOf("id=\"" + id + "\""));
            assertThat(section.substring(0, section.indexOf("</section>")))
                    .as(id)
                    .contains("data-series=", "<path ");
        }
    }

    private static long throughput(JsonNode result) {
        long accesses = 0;
        for (JsonNode bucket : result.get("throughput")) {
            accesses += bucket.get("accesses").asLong();
        }
        return accesses;
    }

    @Test
    void failedRuns_areNamed_andTheComparisonGoesOn() throws Exception {
        Path json = directory.resolve("all.json");
        Files.setPosixFilePermissions(directory, java.nio.file.attribute.PosixFilePermissions.fromString("rwxrwxrwx"));
        Result result = UserloadProcess.runWith(
                AS_NOBODY,
                "compare",
                "--modes=postcopy",
                "--repeat=2",
                "--no-progress",
                "--interceptor=userfaultfd",
                "--json=" + json);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .contains("post-copy, turn 1, failed: userfaultfd cannot be used")
                .contains("post-copy, turn 2, failed: userfaultfd cannot be used")
                .doesNotContain("\tat ");
        assertThat(result.out()).contains("0/2", "Unmoved, the guest takes");
        assertThat(new ObjectMapper()
                        .readTree(json.toFile())
                        .at("/summary/none/good")
                        .asInt())
                .isEqualTo(2);
    }

    @Test
    void interrupt_endsEveryProcess_andLeavesNoFile() throws Exception {
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        try (UserloadProcess compare =
                start(temporary, "compare", "--modes=postcopy", "--memory=1G", "--no-progress")) {
            List<ProcessHandle> children = awaitSource(compare);
            new ProcessBuilder("kill", "-INT", Long.toString(compare.handle().pid()))
                    .start()
                    .waitFor();
            assertThat(compare.await().exitCode()).isNotZero();
            for (ProcessHandle child : children) {
                child.onExit().get(20, TimeUnit.SECONDS);
            }
        }
        assertThat(left(temporary)).isEmpty();
    }

    @Test
    void killedComparison_takesItsRunWithIt() throws Exception {
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        try (UserloadProcess compare =
                start(temporary, "compare", "--modes=postcopy", "--memory=1G", "--no-progress")) {
            List<ProcessHandle> children = awaitSource(compare);
            compare.handle().destroyForcibly();
            for (ProcessHandle child : children) {
                child.onExit().get(20, TimeUnit.SECONDS);
            }
        }
    }

    /** With a directory for temporary files of its own, so that what is left can be seen. */
    private static UserloadProcess start(Path temporary, String... arguments) throws IOException {
        return UserloadProcess.startInJvm(List.of("-Djava.io.tmpdir=" + temporary), arguments);
    }

    /** The run that moves and its source process. */
    private static List<ProcessHandle> awaitSource(UserloadProcess compare) throws Exception {
        compare.awaitUntil(() -> compare.handle().descendants().count() >= 2);
        return compare.handle().descendants().toList();
    }

    private static List<Path> left(Path temporary) throws IOException {
        try (Stream<Path> files = Files.list(temporary)) {
            return files.filter(file -> file.getFileName().toString().startsWith("userload"))
                    .toList();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "--repeat=0; --repeat is 1 to 100",
                "--modes=none; the unmoved run is always made",
                "--modes=postcopy,postcopy; names a mode twice",
                "--modes=teleport; teleport",
                "--switch-at=1.5; --switch-at is 0 to 1",
                "--memory=lots; is not a size",
                "--memory=1M; 734 pages",
                "--mode=postcopy; --mode",
                "--no-such-option; --no-such-option"
            })
    void wrongOption_isWrongUsage(String option, String expected) throws Exception {
        Result result = UserloadProcess.run("compare", "--modes=postcopy", "--no-progress", option);
        if (option.startsWith("--modes")) {
            result = UserloadProcess.run("compare", "--no-progress", option);
        }
        assertThat(result.exitCode()).as(result.err()).isEqualTo(2);
        assertThat(result.err()).contains(expected, "--help").doesNotContain("\tat ");
        assertThat(result.out()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"--json", "--csv", "--html"})
    void unwritableFile_isFoundBeforeTheWork(String option) throws Exception {
        Result result = UserloadProcess.run("compare", option + "=" + directory.resolve("no/such/file"));
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("cannot write", "no directory");
        assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void missingTrace_endsTheComparisonAtOnce() throws Exception {
        Result result = UserloadProcess.run("compare", "--no-progress", "--trace=" + directory.resolve("none.ult"));
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("none.ult", "no such file");
        assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void help_showsTheOptionsThatArePassedOn() throws Exception {
        Result result = UserloadProcess.run("compare", "--help");
        assertThat(result.out())
                .contains("--modes", "--repeat", "--html", "--switch-at", "--memory", "--rate", "Examples:")
                .doesNotContain("--end-with-parent", "--mode=");
        assertThat(Arrays.stream(result.out().split("\n", -1)))
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }
}
