package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options about memory that need not move: what makes no sense is answered by one message that says what would. */
class ColdMemoryOptionsTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String command, String... options) {
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of(options));
        return Main.execute(new PrintWriter(out), new PrintWriter(err), all.toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--zero-fraction=1.5 | --zero-fraction is 0 to 1, not 1.5",
                "--zero-fraction=-0.1 | --zero-fraction is 0 to 1, not -0.1",
                "--free-fraction=NaN | --free-fraction is 0 to 1, not NaN",
                "--free-fraction=half | --free-fraction",
                "--memory=64M --zero-fraction=0.7 --free-fraction=0.4 | together at most 1, not 0.7 and 0.4",
                "--balloon=lots | 'lots' is not a size",
                "--memory=64M --balloon=64M | --balloon is at most 61.1 MiB here, not 64.0 MiB",
                "--memory=64M --free-fraction=0.5 --balloon=40M | --balloon is at most 30.6 MiB here, not 40.0 MiB",
                "--balloon=9223372036854775807 | is not a size",
                "--free-fraction=0.5 | there is none; give more than --memory=2936k",
                "--zero-fraction=0.5 | there is none; give more than --memory=2936k",
                "--balloon=4k | there is none; give more than --memory=2936k",
                "--hints=maybe | 'maybe' is not one of on, off",
                "--poison=xyz | 'xyz' is not a pattern; write 1 to 16 hexadecimal digits",
                "--poison=0x | is not a pattern",
                "--poison=11111111111111111 | is not a pattern",
                "--poison=-1 | is not a pattern",
                "--memory=64M --hints=off --poison=aa | with --hints off every page is sent; leave --poison out"
            })
    void impossibleOptions_areWrongUsage_ofReplay(String options, String message) {
        assertThat(run("replay", options.split(" +"))).isEqualTo(2);
        assertThat(err.toString()).contains(message).contains("--help").doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--zero-fraction=2 | --zero-fraction is 0 to 1, not 2.0",
                "--zero-fraction=0.5 --free-fraction=0.6 | together at most 1, not 0.5 and 0.6",
                "--free=50% --free-fraction=0.5 | say the same in two ways",
                "--memory=1g --balloon=1g | do not fit into memory together",
                "--memory=1g --free=90% --zero-fraction=0.5 | do not fit into memory together",
                "--hints=off --poison=aa | with --hints off every page is sent"
            })
    void impossibleOptions_areWrongUsage_ofSimulate(String options, String message) {
        assertThat(run("simulate", options.split(" +"))).isEqualTo(2);
        assertThat(err.toString()).contains(message).contains("--help").doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void simulatedGuestThatTellsItsFreeMemory_sendsTheRest() {
        assertThat(run("simulate", "--memory=1g", "--free=60%", "--dirty-rate=0", "--mode=precopy"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("614.4 MiB of it free, which it tells", "0.40 x");
    }

    @Test
    void simulatedGuestThatIsNotAsked_sendsAll() {
        assertThat(run("simulate", "--memory=1g", "--free=60%", "--dirty-rate=0", "--mode=precopy", "--hints=OFF"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("614.4 MiB of it free, which it does not tell", "1.00 x");
    }

    @Test
    void simulatedZeroAndBalloonedMemory_isNotSent() {
        assertThat(run(
                        "simulate",
                        "--memory=1g",
                        "--working-set=64M",
                        "--zero-fraction=0.5",
                        "--balloon=240M",
                        "--hints=off",
                        "--mode=stopcopy"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("480.0 MiB zero", "240.0 MiB with the host", "0.30 x");
    }

    @ParameterizedTest
    @CsvSource({"replay", "compare", "simulate"})
    void help_teachesThem(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString())
                .contains("--zero-fraction=F", "--free-fraction=F", "--balloon=SIZE", "--hints=on|off", "--poison=HEX")
                .doesNotContain("%%");
    }
}
