package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TraceRoundTripTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource(
            value = TraceFormat.class,
            names = {"CSV", "ULT"})
    void randomTrace_writtenAndRead_isTheSame(TraceFormat format) throws IOException {
        List<TestTraces.Entry> entries = randomTrace("written " + format, 50_000);
        byte[] content = TestTraces.written(format, entries);
        assertThat(TestTraces.read(content, format)).isEqualTo(entries);
        assertThat(TestTraces.read(content, TraceFormat.AUTO)).isEqualTo(entries);
    }

    @Test
    void randomTrace_asLackey_isTheSame() throws IOException {
        List<TestTraces.Entry> entries = randomTrace("lackey", 50_000);
        assertThat(TestTraces.read(TestTraces.lackey(entries), TraceFormat.AUTO))
                .isEqualTo(entries);
    }

    @Test
    void everyFormatAndCompression_loadedFromAFile_givesTheSameFingerprint() throws IOException {
        List<TestTraces.Entry> entries = randomTrace("fingerprint", 3_000);
        Path lackey = Files.write(directory.resolve("a.txt"), TestTraces.lackey(entries));
        long fingerprint = TraceLoader.load(lackey, TraceFormat.LACKEY).fingerprint();
        for (String name : List.of("b.csv", "b.ult", "b.csv.gz", "b.csv.zst", "b.ult.gz", "b.ult.zst")) {
            Path file = directory.resolve(name);
            long written =
                    TraceConversion.convert(lackey, TraceFormat.AUTO, file, TraceFormat.AUTO, TraceConversion.ALL);
            assertThat(written).isEqualTo(entries.size());
            assertThat(TraceLoader.load(file, TraceFormat.AUTO).fingerprint())
                    .as(name)
                    .isEqualTo(fingerprint);
        }
    }

    @Test
    void compressedLackey_isRecognisedByContent_notByName() throws IOException {
        List<TestTraces.Entry> entries = randomTrace("compressed", 20_000);
        byte[] plain = TestTraces.lackey(entries);
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(plain);
        }
        assertThat(TestTraces.read(gzip.toByteArray(), TraceFormat.AUTO)).isEqualTo(entries);
        assertThat(TestTraces.read(Zstd.compress(plain), TraceFormat.AUTO)).isEqualTo(entries);
    }

    @Test
    void addressesInSequence_takeOneByteEachInUlt() throws IOException {
        List<TestTraces.Entry> entries = java.util.stream.IntStream.range(0, 1000)
                .mapToObj(i -> new TestTraces.Entry(Operation.FETCH, 4L * i, 4))
                .toList();
        int trailer = 1 + UltLayout.COUNT_BYTES + UltLayout.CHECKSUM_BYTES;
        assertThat(TestTraces.written(TraceFormat.ULT, entries)).hasSize(UltLayout.HEADER_BYTES + 1000 + trailer);
    }

    @Test
    void limitedConversion_keepsTheFirstAccesses_andReplacesItsOwnInput() throws IOException {
        List<TestTraces.Entry> entries = randomTrace("limited", 100);
        Path file = Files.write(directory.resolve("a.ult"), TestTraces.written(TraceFormat.ULT, entries));
        assertThat(TraceConversion.convert(file, TraceFormat.AUTO, file, TraceFormat.AUTO, 10))
                .isEqualTo(10);
        assertThat(TestTraces.read(Files.readAllBytes(file), TraceFormat.ULT)).isEqualTo(entries.subList(0, 10));
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(file);
        }
    }

    private static List<TestTraces.Entry> randomTrace(String test, int count) {
        return TestTraces.random(new Random(TestTraces.seed("round trip, " + test)), count);
    }
}
