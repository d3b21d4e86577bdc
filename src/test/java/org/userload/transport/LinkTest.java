package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Links as people write them. */
@Timeout(30)
class LinkTest {
    @ParameterizedTest
    @CsvSource({
        "1gbit,             125000000,  200",
        "100mbit,           12500000,   500",
        "10gbit,            1250000000, 100",
        "25gbit,            3125000000, 50",
        "2.5gbit,           312500000,  200",
        "100mbit/200us,     12500000,   200",
        "25gbit/1ms,        3125000000, 1000",
        "1gbit/0us,         125000000,  0",
        "1000kbit/1s,       125000,     1000000",
        "1tbit/1500ns,      125000000000, 1.5",
        "'1GBit/0.25ms ',   125000000,  250",
    })
    void link_isReadAsWritten_andAsItWritesItself(String text, long bytesPerSecond, double micros) {
        Link expected = new Link(bytesPerSecond, Duration.ofNanos(Math.round(micros * 1000)));
        assertThat(Link.parse(text)).isEqualTo(expected);
        assertThat(Link.parse(expected.toString())).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "fast",
                "1gbit/",
                "1gbit/fast",
                "1gbit/-1us",
                "-1gbit",
                "0gbit",
                "0bit",
                "999kbit",
                "2tbit",
                "1gbit/1001ms",
                "1gbit/2",
                "1GB",
                "100",
                "1gbit/1us/1us",
                "999999999999gbit"
            })
    void absurdLink_isRefused_withTheRightForm(String text) {
        assertThatThrownBy(() -> Link.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + text + "' is not a link")
                .hasMessageContaining("write RATE[/RTT], for example 1gbit");
    }
}
