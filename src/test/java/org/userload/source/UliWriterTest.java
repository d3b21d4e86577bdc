package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;

class UliWriterTest {
    private static final int PAGE = 4096;

    @TempDir
    Path directory;

    @Test
    void rawImageThroughAChannel_readsBackTheSame() throws IOException {
        Random random = Seed.random("rawImageThroughAChannel");
        Path path = directory.resolve("a.uli");
        for (int pages : new int[] {1, 15, 16, 17, 32, 700}) {
            byte[] bytes = MemoryPageSource.randomRegion(random, PAGE, pages);
            new UliWriter().write(path, slowly(bytes), PageSize.DEFAULT);
            try (PageSource source = PageSources.open(path)) {
                assertThat(source.regions().entries().get(0).guestAddress()).isZero();
                assertThat(PageSourceChecks.readAll(source, 0)).isEqualTo(bytes);
            }
        }
    }

    @Test
    void imageRewrittenInPlace_readsBackTheSame() throws IOException {
        Path path = directory.resolve("a.uli");
        byte[] bytes = MemoryPageSource.randomRegion(Seed.random("imageRewrittenInPlace"), PAGE, 300);
        new UliWriter().write(path, slowly(bytes), PageSize.DEFAULT);
        try (PageSource source = PageSources.open(path)) {
            new UliWriter(9).write(path, source);
            assertThat(PageSourceChecks.readAll(source, 0)).isEqualTo(bytes);
        }
        try (PageSource source = PageSources.open(path)) {
            assertThat(PageSourceChecks.readAll(source, 0)).isEqualTo(bytes);
        }
    }

    @Test
    void zeroImage_isAnIndexOnly() throws IOException {
        Path path = directory.resolve("zero.uli");
        UliSummary summary = new UliWriter().write(path, slowly(new byte[1 << 20]), PageSize.DEFAULT);
        assertThat(summary).isEqualTo(new UliSummary(1 << 20, 64 + 16 * 16 + 32, 16, 16));
        assertThat(Files.size(path)).isEqualTo(summary.fileBytes());
        try (PageSource source = PageSources.open(path)) {
            assertThat(source.describe(0, 0, 1000)).isEqualTo(PageRun.zero(256));
        }
    }

    @Test
    void moreBlocksThanOneIndexChunk_readBackTheSame() throws IOException {
        byte[] bytes = new byte[5000 << 16];
        for (int block = 0; block < 5000; block++) {
            bytes[(block << 16) + block] = (byte) (1 + block % 100);
        }
        Path path = directory.resolve("many.uli");
        new UliWriter().write(path, Channels.newChannel(new ByteArrayInputStream(bytes)), PageSize.DEFAULT);
        try (PageSource source = PageSources.open(path)) {
            PageSourceChecks.randomReadsMatch(source, List.of(bytes), Seed.random("moreBlocks"), 300);
        }
    }

    @Test
    void inputThatFailsHalfway_leavesTheOldFileAndNothingElse() throws IOException {
        Path path = directory.resolve("a.uli");
        new UliWriter().write(path, slowly(new byte[PAGE]), PageSize.DEFAULT);
        byte[] before = Files.readAllBytes(path);
        byte[] bytes = new byte[3 << 20];
        new Random(5).nextBytes(bytes);
        ReadableByteChannel failing = Channels.newChannel(new FilterInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                if (available() < 1 << 20) {
                    throw new IOException("the cable is out");
                }
                return super.read(to, offset, length);
            }
        });
        assertThatThrownBy(() -> new UliWriter().write(path, failing, PageSize.DEFAULT))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(path.toString(), "the cable is out");
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
        assertOnly(path);
    }

    @Test
    void inputThatIsNoImage_leavesNothing() throws IOException {
        Path path = directory.resolve("a.uli");
        for (int length : new int[] {0, 1, PAGE - 1, PAGE + 1, (1 << 16) + 1}) {
            assertThatThrownBy(() -> new UliWriter().write(path, slowly(new byte[length]), PageSize.DEFAULT))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContaining(length == 0 ? "empty" : "multiple of the page size");
        }
        assertOnly();
    }

    @Test
    void interruptedWriter_leavesNothing() throws IOException {
        Path path = directory.resolve("a.uli");
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> new UliWriter()
                            .write(path, new MemoryPageSource(PageSize.DEFAULT, List.of(new byte[PAGE]))))
                    .isInstanceOf(IOException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertOnly();
    }

    @Test
    void corruptSource_isNotRewrittenAsGood() throws IOException {
        Path path = directory.resolve("a.uli");
        byte[] bytes = new byte[1 << 17];
        new Random(6).nextBytes(bytes);
        new UliWriter().write(path, slowly(bytes), PageSize.DEFAULT);
        byte[] file = Files.readAllBytes(path);
        file[70_000] ^= 1;
        Files.write(path, file);
        try (PageSource source = PageSources.open(path)) {
            assertThatThrownBy(() -> new UliWriter().write(directory.resolve("b.uli"), source))
                    .isInstanceOf(CorruptBlockException.class);
        }
        assertOnly(path);
    }

    @Test
    void unusableTarget_isNamed() throws IOException {
        Path missing = directory.resolve("missing").resolve("a.uli");
        assertThatThrownBy(() -> new UliWriter().write(missing, slowly(new byte[PAGE]), PageSize.DEFAULT))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(missing.toString(), "no directory");
        assertThatThrownBy(() -> new UliWriter().write(directory, slowly(new byte[PAGE]), PageSize.DEFAULT))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(directory.toString(), "not a regular file");
    }

    @Test
    void pageSizeTheFormatCannotHold_isRejected() {
        Path path = directory.resolve("a.uli");
        for (int bytes : new int[] {1 << 17, 1 << 18, 1 << 21}) {
            assertThatThrownBy(() -> new UliWriter().write(path, slowly(new byte[1 << 17]), new PageSize(bytes)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not " + bytes);
        }
        assertThatThrownBy(() -> new UliWriter(0)).isInstanceOf(IllegalArgumentException.class);
    }

    private void assertOnly(Path... paths) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(paths);
        }
    }

    /** A channel that gives its bytes in pieces of odd length. */
    private static ReadableByteChannel slowly(byte[] bytes) {
        return Channels.newChannel(new FilterInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                return super.read(to, offset, Math.min(length, 4999));
            }
        });
    }
}
