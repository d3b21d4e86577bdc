package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options that make no sense are answered by one message that names the option and its range. */
class MigrationOptionsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "--downtime-limit=0; --downtime-limit is 1 to 3600000 ms, not 0",
                "--downtime-limit=-1; --downtime-limit is 1 to 3600000 ms, not -1",
                "--downtime-limit=9223372036854775807; --downtime-limit is 1 to 3600000 ms",
                "--downtime-limit=soon; --downtime-limit",
                "--max-rounds=0; --max-rounds is 1 to 100000, not 0",
                "--max-rounds=2147483647; --max-rounds is 1 to 100000",
                "--precopy-rounds=-1; --precopy-rounds is 0 to --max-rounds, which is 30, not -1",
                "--precopy-rounds=31; --precopy-rounds is 0 to --max-rounds, which is 30, not 31",
                "--on-non-convergence=pray; 'pray' is not one of",
                "--tracker=dog; 'dog' is not one of",
                "--mode=teleport; 'teleport' is not one of",
                "--link=0gbit; '0gbit' is not a link",
                "--link=1gbit/-1us; is not a link",
                "--rate=0; --rate",
                "--loops=0; --loops"
            })
    void absurdLimits_areWrongUsage(String option, String message) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.execute(new PrintWriter(out), new PrintWriter(err), "replay", "--mode=hybrid", option);
        assertThat(code).isEqualTo(2);
        assertThat(err.toString()).contains(message).doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }
}
