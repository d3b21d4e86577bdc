package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MalformedTextTraceTest {
    private static final String GOOD_LACKEY = "==1== Lackey\n L 1000,8\n";
    private static final String GOOD_CSV = "op,address,size\nR,0x1000,8\n";

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                " X 1000,8;lackey line",
                "L 1000,8;lackey line",
                " L1000,8;lackey line",
                " L ;lackey line",
                "hello world;lackey line",
                " L ,8;hexadecimal address",
                " L 0x1000,8;comma",
                " L 10000000000000000,8;hexadecimal address",
                " L 1000;comma",
                " L 1000 8;comma",
                " L 1000,;size from 1 to 4096",
                " L 1000,0;size from 1 to 4096",
                " L 1000,4097;size from 1 to 4096",
                " L 1000,99999999999999999999;size from 1 to 4096",
                " L 1000,8x;size from 1 to 4096",
                " L 1000,-8;size from 1 to 4096",
                " L ffffffffffffffff,2;below 2^64",
            })
    void badLackeyLine_isRefused_namingFileLineAndExpectation(String line, String expected) {
        assertRefused(GOOD_LACKEY + line + "\n L 2000,8\n", TraceFormat.LACKEY, "line 3", line, expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "X,0x1000,8;op one of R, W, M, I",
                "R;op one of R, W, M, I",
                "R,0x1000;op one of R, W, M, I",
                "RR,0x1000,8;op one of R, W, M, I",
                "op,address,size;op one of R, W, M, I",
                "R,,8;address below 2^64",
                "R,0x,8;address below 2^64",
                "R,1000h,8;address below 2^64",
                "R,-1,8;address below 2^64",
                "R,0x10000000000000000,8;address below 2^64",
                "R,18446744073709551616,8;address below 2^64",
                "R,99999999999999999999,8;address below 2^64",
                "R,0x1000,;size from 1 to 4096",
                "R,0x1000,0;size from 1 to 4096",
                "R,0x1000,4097;size from 1 to 4096",
                "R,0x1000,8,9;size from 1 to 4096",
                "R,18446744073709551615,2;below 2^64",
            })
    void badCsvLine_isRefused_namingFileLineAndExpectation(String line, String expected) {
        assertRefused(GOOD_CSV + line + "\nR,0x2000,8\n", TraceFormat.CSV, "line 3", line, expected);
    }

    @Test
    void lackeyLineWithoutLineFeed_isRefusedAsCutOff() {
        assertRefused(GOOD_LACKEY + " L 2000,1", TraceFormat.LACKEY, "line 3", " L 2000,1", "cut off");
    }

    @Test
    void traceWithoutAccess_isRefused() {
        assertRefused("==1== Lackey\n==1== Exit code: 0\n", TraceFormat.AUTO, "", "no access", "lackey access line");
        assertRefused("op,address,size\n# nothing\n", TraceFormat.AUTO, "", "no access", "R, W, M, I");
    }

    @Test
    void endlessLine_isRefused() {
        assertRefused(GOOD_CSV + "R,0x" + "0".repeat(100_000), TraceFormat.CSV, "line 3", "longer than", "text trace");
    }

    @Test
    void unknownText_isRefusedByDetection_namingAllFormats() {
        assertRefused("\n\nhello, world\n", TraceFormat.AUTO, "line 3", "hello, world", "lackey lines");
        assertRefused("\n \r\n", TraceFormat.AUTO, "", "no line that tells the format", ".ult");
        assertRefused("\0\1\2\3\n", TraceFormat.AUTO, "line 1", "????", "CSV lines");
    }

    @Test
    void emptyFile_isRefused_inEveryFormat() {
        for (TraceFormat format : TraceFormat.values()) {
            assertRefused("", format, "", "an empty file", "a trace");
        }
    }

    @Test
    void csvInAnyTolerableSpelling_isRead() throws IOException {
        String text = "\r\n# made by hand\r\n OP,Address,SIZE\r\nr , 0xFFffFFffFFffFFff ,1\r\n\r\n"
                + "# again\nW,18446744073709551615,\t1\nm,0,4096\n\tI,0X10,3";
        assertThat(TestTraces.read(TestTraces.bytes(text), TraceFormat.AUTO))
                .isEqualTo(List.of(
                        new TestTraces.Entry(Operation.READ, -1, 1),
                        new TestTraces.Entry(Operation.WRITE, -1, 1),
                        new TestTraces.Entry(Operation.MODIFY, 0, 4096),
                        new TestTraces.Entry(Operation.FETCH, 16, 3)));
    }

    @Test
    void lackeyInAnyTolerableSpelling_isRead() throws IOException {
        String text =
                "--1-- warning\n\n**1** note\r\n L 00001000,8\r\nI  FF,2\n==1== a comment in the middle\n M 0,4096\n";
        assertThat(TestTraces.read(TestTraces.bytes(text), TraceFormat.AUTO))
                .isEqualTo(List.of(
                        new TestTraces.Entry(Operation.READ, 0x1000, 8),
                        new TestTraces.Entry(Operation.FETCH, 0xff, 2),
                        new TestTraces.Entry(Operation.MODIFY, 0, 4096)));
    }

    private static void assertRefused(
            String content, TraceFormat format, String location, String found, String expected) {
        assertThatThrownBy(() -> TestTraces.read(TestTraces.bytes(content), format))
                .isInstanceOfSatisfying(TraceFormatException.class, e -> {
                    assertThat(e.file()).isEqualTo("input");
                    assertThat(e.location()).isEqualTo(location);
                    assertThat(e.found()).contains(found);
                    assertThat(e.expected()).contains(expected);
                    assertThat(e).hasMessageStartingWith("input: " + location);
                });
    }
}
