package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFormatDocTest {
    private static final Pattern DUMP_LINE = Pattern.compile("([0-9a-f]{8}):((?: [0-9a-f]{2}){1,16})(?:  .*)?");

    @TempDir
    Path directory;

    @Test
    void hexDumpInTheDocs_isTheImageTheyDescribe() throws IOException {
        byte[] expected = new byte[33 * 4096];
        for (int i = 0; i < 4096; i++) {
            expected[i] = (byte) ('a' + i % 26);
        }
        Arrays.fill(expected, 32 * 4096, 33 * 4096, (byte) 0xff);
        Path path = Files.write(directory.resolve("example.uli"), dumpIn(Path.of("docs/image-format.md")));
        try (PageSource source = PageSources.open(path)) {
            assertThat(source.regions().entries()).hasSize(1);
            assertThat(source.regions().entries().get(0).guestAddress()).isZero();
            assertThat(PageSourceChecks.readAll(source, 0)).isEqualTo(expected);
            PageSourceChecks.describedRunsAreTrue(source, 0, 0, 33, expected);
        }
    }

    private static byte[] dumpIn(Path document) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String line : Files.readAllLines(document)) {
            Matcher matcher = DUMP_LINE.matcher(line);
            if (matcher.matches()) {
                assertThat(Integer.parseInt(matcher.group(1), 16)).isEqualTo(bytes.size());
                bytes.write(HexFormat.ofDelimiter(" ").parseHex(matcher.group(2).strip()));
            }
        }
        return bytes.toByteArray();
    }
}
