package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MalformedUltTraceTest {
    @Test
    void truncatedUlt_isRefused_namingTheOffset() throws IOException {
        byte[] whole = randomUlt("truncated", 200);
        for (int length = 1; length < whole.length; length++) {
            int cut = length;
            assertRefused(Arrays.copyOf(whole, length)).isInstanceOfSatisfying(TraceFormatException.class, e -> {
                assertThat(e.location()).isEqualTo("offset " + cut);
                assertThat(e.found()).isEqualTo("the end of the file");
            });
        }
    }

    @Test
    void damagedUlt_isRefused_whateverBitFlips() throws IOException {
        byte[] whole = randomUlt("damaged", 100);
        for (int bit = 0; bit < whole.length * 8; bit++) {
            byte[] damaged = whole.clone();
            damaged[bit / 8] ^= (byte) (1 << (bit % 8));
            assertRefused(damaged).isInstanceOf(TraceFormatException.class);
        }
    }

    @Test
    void ultWithAnotherMagicVersionOrReservedField_isRefused() {
        assertRefused(ult(0, b -> b.putLong(0, 42)), TraceFormat.ULT)
                .hasMessageContaining("offset 0")
                .hasMessageContaining("magic");
        assertRefused(ult(0, b -> b.putInt(8, 7)))
                .hasMessageContaining("offset 8: found .ult version 7, expected version 1");
        assertRefused(ult(0, b -> b.putInt(12, 1)))
                .hasMessageContaining("offset 12")
                .hasMessageContaining("reserved");
    }

    @Test
    void ultWithABadSize_isRefused() {
        byte zeroSize = 0;
        assertRefused(ult(1, b -> b.put((byte) 0x81).put(zeroSize).put(zeroSize)))
                .hasMessageContaining("offset 16: found size 0, expected a size from 1 to 4096");
        assertRefused(ult(
                        1,
                        b -> b.put((byte) 0x81)
                                .put((byte) 0x81)
                                .put((byte) 0x20)
                                .put(zeroSize)))
                .hasMessageContaining("found size 4097");
    }

    @Test
    void ultAccessThatEndsAbove2To64_isRefused() {
        // A read of 8 bytes at delta -1.
        assertRefused(ult(1, b -> b.put((byte) (0x80 | 8 << 2)).put((byte) 1)))
                .hasMessageContaining("offset 16: found 8 bytes at 0xffffffffffffffff")
                .hasMessageContaining("below 2^64");
    }

    @Test
    void ultVarintOfMoreThan64Bits_isRefused() {
        byte[] ones = new byte[9];
        Arrays.fill(ones, (byte) 0xff);
        assertRefused(ult(1, b -> b.put((byte) (0x80 | 8 << 2)).put(ones).put((byte) 2)))
                .hasMessageContaining("offset 17")
                .hasMessageContaining("varint");
    }

    @Test
    void ultWithAnotherCount_isRefused() {
        assertRefused(ult(2, b -> b.put((byte) (8 << 2))))
                .hasMessageContaining("offset 18: found access count 2, expected the 1 in the file");
    }

    @Test
    void ultWithoutAccess_isRefused() {
        assertRefused(ult(0, b -> {})).hasMessageContaining("no access");
    }

    @Test
    void ultWithSomethingBehind_isRefused() throws IOException {
        byte[] whole = randomUlt("behind", 10);
        assertRefused(Arrays.copyOf(whole, whole.length + 1))
                .hasMessageContaining("offset " + whole.length)
                .hasMessageContaining("more bytes after the checksum");
    }

    @Test
    void truncatedCompression_isRefused_sayingSo() throws IOException {
        byte[] whole = randomUlt("compression", 2_000);
        byte[] zstd = Zstd.compress(whole);
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(whole);
        }
        for (byte[] compressed : List.of(zstd, gzip.toByteArray())) {
            for (int length : new int[] {5, compressed.length / 2, compressed.length - 1}) {
                assertRefused(Arrays.copyOf(compressed, length))
                        .isInstanceOf(TraceFormatException.class)
                        .hasMessageContaining("truncated")
                        .hasMessageContaining("input: offset ");
            }
        }
    }

    @Test
    void damagedCompression_isRefused() throws IOException {
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(randomUlt("gzip damage", 2_000));
        }
        byte[] damaged = gzip.toByteArray();
        damaged[damaged.length / 2] ^= 0x55;
        assertRefused(damaged).isInstanceOf(TraceFormatException.class);
    }

    @Test
    void missingFile_isRefused_namingIt(@TempDir Path directory) {
        Path missing = directory.resolve("missing.ult");
        assertThatThrownBy(() -> TraceLoader.load(missing, TraceFormat.AUTO))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("missing.ult")
                .hasMessageContaining("no such trace file");
        assertThatThrownBy(() -> TraceLoader.load(directory, TraceFormat.AUTO))
                .isInstanceOf(TraceFormatException.class)
                .hasMessageContaining("a directory");
    }

    private static byte[] randomUlt(String test, int count) throws IOException {
        Random random = new Random(TestTraces.seed("malformed ult, " + test));
        return TestTraces.written(TraceFormat.ULT, TestTraces.random(random, count));
    }

    private interface Edit {
        void apply(ByteBuffer buffer);
    }

    /** A .ult file that is right but for what {@code edit} puts after, or into, the header. */
    private static byte[] ult(long count, Edit edit) {
        ByteBuffer buffer = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(UltLayout.MAGIC).putInt(UltLayout.VERSION).putInt(0);
        edit.apply(buffer);
        buffer.put((byte) 0).putLong(count);
        CRC32C crc = new CRC32C();
        crc.update(buffer.array(), 0, buffer.position());
        buffer.putInt((int) crc.getValue());
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(byte[] content) {
        return assertRefused(content, TraceFormat.AUTO);
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(byte[] content, TraceFormat format) {
        return assertThatThrownBy(() -> TestTraces.read(content, format));
    }
}
