package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** The other commands of the executable jar. */
@Timeout(120)
class CommandsIT {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"replay", "compare", "serve", "load", "trace", "dirtyrate", "doctor"})
    void everyCommand_explainsItself(String command) throws Exception {
        Result result = UserloadProcess.run(command, "--help");
        assertThat(result.exitCode()).isZero();
        assertThat(result.out()).contains("Usage: userload " + command).hasSizeGreaterThan(200);
    }

    @Test
    void doctor_findsUserfaultfd_andNamesTheFixWithoutIt() throws Exception {
        Result root = UserloadProcess.run("doctor");
        assertThat(root.exitCode()).isZero();
        assertThat(root.out()).containsPattern("ok +userfaultfd +permitted");
        Result nobody = UserloadProcess.runWith(
                List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), "doctor");
        assertThat(nobody.exitCode()).isEqualTo(1);
        assertThat(nobody.out()).containsPattern("missing +userfaultfd").contains("vm.unprivileged_userfaultfd=1");
    }

    /** 64 pages are written all the time: each counts once in each of the ten intervals, less those that were missed. */
    @Test
    void dirtyRate_countsEachPageOncePerInterval() throws Exception {
        Path trace = directory.resolve("writer.ult");
        assertThat(UserloadProcess.run(
                                "trace",
                                "generate",
                                "--pages=64",
                                "--accesses=100000",
                                "--writes=1",
                                "--output=" + trace)
                        .exitCode())
                .isZero();
        Result result = UserloadProcess.run(
                "dirtyrate", "--trace=" + trace, "--loops=100000", "--over=1000", "--interval=100", "--rate=1000000");
        assertThat(result.exitCode()).as(result.err()).isZero();
        Matcher rate =
                Pattern.compile("([\\d,]+) pages/s over .* tracked by uffd-wp").matcher(result.out());
        assertThat(rate.find()).as(result.out()).isTrue();
        assertThat(Integer.parseInt(rate.group(1).replace(",", ""))).isBetween(64, 64 * 11);
    }

    @Test
    void dirtyRate_refusesATrackerThatDoesNotWork_andAbsurdTimes() throws Exception {
        Result soft = UserloadProcess.run("dirtyrate", "--tracker=soft-dirty");
        assertThat(soft.exitCode()).isEqualTo(1);
        assertThat(soft.err()).contains("soft-dirty cannot be used", "use uffd-wp");
        Result never = UserloadProcess.run("dirtyrate", "--interval=0");
        assertThat(never.exitCode()).isEqualTo(2);
        assertThat(never.err()).contains("--interval is at least 1 ms");
    }

    @Test
    void completionScript_isGenerated() throws Exception {
        Result result = UserloadProcess.run("generate-completion");
        assertThat(result.exitCode()).isZero();
        assertThat(result.out()).contains("--switch-at", "complete -F");
    }

    @Test
    void trace_isConvertedThereAndBack_andCounted() throws Exception {
        Path csv = directory.resolve("t.csv");
        Path ult = directory.resolve("t.ult.gz");
        Path back = directory.resolve("back.csv");
        Files.writeString(csv, "op,address,size\nR,0x1000,8\nW,0x2ffc,8\nM,0x5000,4\nI,0x400000,3\n");
        assertThat(UserloadProcess.run("trace", "convert", csv.toString(), ult.toString())
                        .exitCode())
                .isZero();
        assertThat(UserloadProcess.run("trace", "convert", ult.toString(), back.toString())
                        .exitCode())
                .isZero();
        assertThat(Files.readString(back)).isEqualTo(Files.readString(csv));
        Result info = UserloadProcess.run("trace", "info", "--trace=" + ult);
        assertThat(info.exitCode()).isZero();
        assertThat(info.out()).containsPattern("accesses +4").containsPattern("pages +5 ");
    }

    @Test
    void generatedTrace_isTheSameEachTime_andCanBeReplayed() throws Exception {
        Path ult = directory.resolve("g.ult.zst");
        Path again = directory.resolve("again.ult.zst");
        for (Path file : List.of(ult, again)) {
            Result result = UserloadProcess.run(
                    "trace",
                    "generate",
                    "--pages=1000",
                    "--accesses=100000",
                    "--writes=0.8",
                    "--working-set=250",
                    "--output=" + file);
            assertThat(result.exitCode()).as(result.err()).isZero();
        }
        assertThat(ult).hasSameBinaryContentAs(again);
        Result info = UserloadProcess.run("trace", "info", "--trace=" + ult);
        assertThat(info.out()).contains("1727fee71d5b0533").containsPattern("pages +1,000 ");
        Result replay = UserloadProcess.run("replay", "--no-progress", "--loops=20", "--trace=" + ult);
        assertThat(replay.exitCode()).as(replay.err()).isZero();
        assertThat(replay.out()).contains("verified", "1,000 pages touched by 2,000,000 accesses");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--writes=1.5",
                "--writes=NaN",
                "--working-set=11",
                "--working-set=0",
                "--pages=0",
                "--pages=1000000000",
                "--accesses=0",
                "--size=5000",
                "--pattern=zipf"
            })
    void traceThatCannotBeGenerated_isWrongUsage_andLeavesNoFile(String option) throws Exception {
        List<String> options = new ArrayList<>(List.of("--pages=10", "--accesses=10", "--writes=0.5"));
        options.removeIf(given -> option.startsWith(given.substring(0, given.indexOf('=') + 1)));
        options.addAll(0, List.of("trace", "generate", "--output=" + directory.resolve("t.ult"), option));
        Result result = UserloadProcess.run(options.toArray(String[]::new));
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).isNotBlank().doesNotContain("\tat ");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void conversionToUnknownFormat_isOneMessage() throws Exception {
        Path csv = Files.writeString(directory.resolve("t.csv"), "R,0x1000,8\n");
        Result result = UserloadProcess.run(
                "trace", "convert", csv.toString(), directory.resolve("t.xyz").toString());
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.err()).contains("t.xyz").doesNotContain("\tat ");
    }
}
