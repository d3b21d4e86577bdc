package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.support.UserloadProcess;
import org.userload.support.UserloadProcess.Result;

/** A program moves, and its source gives up its pages, in two JVMs. */
@Timeout(180)
class SourceReleaseIT {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({
        "postcopy, userfaultfd", "postcopy, software", "postcopy, signal",
        "hybrid, userfaultfd", "hybrid, software", "hybrid, signal",
        "precopy, userfaultfd", "stopcopy, userfaultfd"
    })
    void movedProgram_endsAsOneThatNeverMoved(String mode, String interceptor) throws Exception {
        Path json = directory.resolve("result.json");
        Result result = UserloadProcess.run(
                "replay",
                "--no-progress",
                "--memory=24M",
                "--switch-at=0.2",
                "--mode=" + mode,
                "--interceptor=" + interceptor,
                "--release-source",
                "--json=" + json);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("verified", "779c1f27ad572654");
        JsonNode object = new ObjectMapper().readTree(json.toFile());
        if (mode.equals("postcopy")) {
            // What is said last may not be heard any more.
            assertThat(object.get("released_pages").asLong()).isBetween(3_000L, 6_144L);
        }
    }
}
