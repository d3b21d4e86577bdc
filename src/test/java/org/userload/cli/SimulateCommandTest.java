package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class SimulateCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private int simulate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("simulate"));
        all.addAll(List.of(arguments));
        return Main.execute(new PrintWriter(out), new PrintWriter(err), all.toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--memory=0                      | --memory is",
                "--memory=-4g                    | is not a size",
                "--working-set=0                 | --working-set is",
                "--memory=1g --working-set=2g    | working set is 1 to all",
                "--memory=1g --working-set=512M --free=60% | do not fit",
                "--free=101%                     | at most 100%",
                "--free=much                     | is not a size",
                "--dirty-rate=-1                 | dirty rate is 0 or more",
                "--dirty-rate=100 --touch-rate=5 | touch rate is at least",
                "--link=0mbit                    | is not a link",
                "--mode=teleport                 | is not one of",
                "--ceiling=0                     | send nothing",
                "--downtime-limit=0              | downtime",
                "--max-rounds=0                  | rounds",
                "--validate --repeat=0           | --repeat is"
            })
    void impossibleOptions_areWrongUsage_andSaySo(String options, String message) {
        assertThat(simulate(options.split(" +"))).isEqualTo(2);
        assertThat(err.toString()).contains(message).contains("--help").doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void everyModeOfALargeGuest_isInTheTableAndInTheJson() throws Exception {
        Path json = directory.resolve("result.json");
        int code =
                simulate("--memory=128g", "--working-set=4g", "--link=25gbit", "--dirty-rate=50000", "--json=" + json);
        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString()).contains("postcopy", "precopy", "hybrid", "stopcopy", "128.0 GiB");
        JsonNode result = new ObjectMapper().readTree(json.toFile());
        assertThat(result.path("schema").asText()).isEqualTo("userload.simulation/1");
        assertThat(result.path("modes")).hasSize(4);
        assertThat(result.path("modes")
                        .get(1)
                        .path("rounds")
                        .get(0)
                        .path("pages_sent")
                        .asLong())
                .isEqualTo(128L << 18);
    }

    @Test
    void chosenModes_areTheOnlyOnes() {
        assertThat(simulate("--memory=1g", "--mode=hybrid,stopcopy")).isZero();
        assertThat(out.toString()).contains("hybrid", "stopcopy").doesNotContain("precopy", "postcopy");
    }

    @Test
    void help_teachesByExample() {
        assertThat(simulate("--help")).isZero();
        assertThat(out.toString())
                .contains("--free 60% ", "userload simulate --validate", "64g --working-set 8g")
                .doesNotContain("%%");
    }
}
