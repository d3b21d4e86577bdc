package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;

class ImageFilePageSourceTest {
    private static final int PAGE = 4096;

    @TempDir
    Path directory;

    @Test
    void randomImage_readsAsTheReferenceModel() throws IOException {
        Random random = Seed.random("randomImage_readsAsTheReferenceModel");
        for (PageSize pageSize : List.of(PageSize.DEFAULT, new PageSize(8192), new PageSize(1 << 19))) {
            byte[] bytes = MemoryPageSource.randomRegion(random, pageSize.bytes(), pageSize.bytes() > PAGE ? 9 : 300);
            Path path = write(bytes);
            try (PageSource source = ImageFilePageSource.open(path, pageSize, ExtentScanner.NONE)) {
                assertThat(source.regions().entries()).hasSize(1);
                assertThat(source.regions().entries().get(0).guestAddress()).isZero();
                PageSourceChecks.describedRunsAreTrue(source, 0, 0, bytes.length / pageSize.bytes(), bytes);
                PageSourceChecks.randomReadsMatch(source, List.of(bytes), random, 200);
            }
        }
    }

    @Test
    void sparseFileOfManyGiB_isZeroWhereNothingWasWritten() throws IOException {
        Path path = directory.resolve("sparse.raw");
        long pages = 10L << (30 - 12);
        long written = pages - 3;
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[] {7}), written * PAGE + 5);
            file.write(ByteBuffer.wrap(new byte[] {0}), pages * PAGE - 1);
        }
        try (PageSource source = PageSources.open(path)) {
            assertThat(source.regions().entries().get(0).pageCount()).isEqualTo(pages);
            assertThat(source.describe(0, pages / 2, 10)).isEqualTo(PageRun.zero(10));
            assertThat(source.describe(0, written - 4, 10)).isEqualTo(PageRun.zero(4));
            assertThat(source.describe(0, written, 10)).isEqualTo(PageRun.data(1));
            ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
            source.read(0, written, 1, page);
            assertThat(page.get(5)).isEqualTo((byte) 7);
        }
    }

    @Test
    void reportedHoles_areZeroWithoutReading() throws IOException {
        byte[] bytes = new byte[20 * PAGE];
        Arrays.fill(bytes, (byte) 1);
        // The scanner is wrong on purpose: only a source that believes it calls these pages zero.
        ExtentScanner scanner = (file, size) -> new long[] {5 * PAGE + 10, 6 * PAGE + 1};
        try (PageSource source = ImageFilePageSource.open(write(bytes), PageSize.DEFAULT, scanner)) {
            assertThat(source.describe(0, 0, 100)).isEqualTo(PageRun.zero(5));
            assertThat(source.describe(0, 5, 100)).isEqualTo(PageRun.data(2));
            assertThat(source.describe(0, 7, 100)).isEqualTo(PageRun.zero(13));
        }
    }

    @Test
    void describe_neverReachesBeyondTheRegion() throws IOException {
        try (PageSource source = PageSources.open(write(new byte[3 * PAGE]))) {
            assertThat(source.describe(0, 1, Integer.MAX_VALUE)).isEqualTo(PageRun.zero(2));
        }
    }

    @Test
    void fileTruncatedWhileOpen_isAnErrorThatNamesFileRegionAndPage() throws IOException {
        Random random = Seed.random("fileTruncatedWhileOpen");
        Path path = write(MemoryPageSource.randomRegion(random, PAGE, 400));
        try (PageSource source = PageSources.open(path)) {
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(100 * PAGE + 17);
            }
            ByteBuffer dst = ByteBuffer.allocate(5 * PAGE).position(3);
            assertThatThrownBy(() -> source.read(0, 99, 3, dst))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContainingAll(path.toString(), "region 0 page 99", "ends at byte " + (100 * PAGE + 17));
            assertThat(dst.position()).isEqualTo(3);
            assertThat(dst.limit()).isEqualTo(5 * PAGE);
            assertThatThrownBy(() -> source.describe(0, 399, 1))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContaining("region 0 page 399");
            source.read(0, 99, 1, dst);
        }
    }

    @Test
    void argumentsOutsideTheSource_areRejected() throws IOException {
        try (PageSource source = PageSources.open(write(new byte[4 * PAGE]))) {
            ByteBuffer dst = ByteBuffer.allocate(2 * PAGE);
            assertThatThrownBy(() -> source.read(1, 0, 1, dst)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.read(-1, 0, 1, dst)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.read(0, -1, 1, dst)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.read(0, 3, 2, dst)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.read(0, Long.MAX_VALUE, 2, dst))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.read(0, 0, 0, dst)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> source.read(0, 0, 3, dst)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> source.describe(0, 4, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> source.describe(0, 0, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThat(dst.position()).isZero();
        }
    }

    @Test
    void interruptedReader_getsItsBytesAndDisturbsNobody() throws Exception {
        Random random = Seed.random("interruptedReader");
        byte[] bytes = MemoryPageSource.randomRegion(random, PAGE, 500);
        try (PageSource source = PageSources.open(write(bytes))) {
            Concurrently.run(4, (thread, threadRandom) -> {
                for (int i = 0; i < 300; i++) {
                    if (thread == 0) {
                        Thread.currentThread().interrupt();
                    }
                    PageSourceChecks.randomReadsMatch(source, List.of(bytes), threadRandom, 1);
                    assertThat(Thread.interrupted()).isEqualTo(thread == 0);
                }
            });
        }
    }

    @Test
    void fileReplacedBeforeReopening_isNotReadInItsPlace() throws IOException {
        Path path = write(new byte[4 * PAGE]);
        Path other = write(new byte[4 * PAGE]);
        try (PageSource source = PageSources.open(path)) {
            Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> source.read(0, 0, 1, ByteBuffer.allocate(PAGE)))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContaining("another file has taken its place");
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void closedSource_saysSo() throws IOException {
        PageSource source = PageSources.open(write(new byte[4 * PAGE]));
        source.close();
        source.close();
        assertThatThrownBy(() -> source.read(0, 2, 1, ByteBuffer.allocate(PAGE)))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll("region 0 page 2", "closed");
        assertThatThrownBy(() -> source.describe(0, 2, 1)).isInstanceOf(PageSourceException.class);
        assertThat(source.regions().entries()).hasSize(1);
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(Files.createTempFile(directory, "image", ".raw"), bytes);
    }
}
