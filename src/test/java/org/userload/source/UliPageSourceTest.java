package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;

class UliPageSourceTest {
    private static final int PAGE = 4096;
    private static final int BLOCK = UliFormat.BLOCK_BYTES;

    @TempDir
    Path directory;

    @Test
    void randomImages_readAsTheReferenceModel() throws IOException {
        Random random = Seed.random("randomImages_readAsTheReferenceModel");
        for (int round = 0; round < 24; round++) {
            PageSize pageSize = new PageSize(PAGE << round % 5);
            MemoryPageSource model =
                    MemoryPageSource.random(random, pageSize, 1 + random.nextInt(5), (4 << 20) / pageSize.bytes());
            Path path = directory.resolve("random.uli");
            UliSummary summary = new UliWriter(1 + random.nextInt(5)).write(path, model);
            assertThat(summary.fileBytes()).isEqualTo(Files.size(path));
            long cacheBytes = List.of(0, BLOCK, 10 * BLOCK, 1 << 30).get(random.nextInt(4));
            try (PageSource source = UliPageSource.open(path, cacheBytes)) {
                assertThat(source.regions()).isEqualTo(model.regions());
                for (int region = 0; region < model.content.size(); region++) {
                    byte[] expected = model.content.get(region);
                    PageSourceChecks.describedRunsAreTrue(
                            source, region, 0, expected.length / pageSize.bytes(), expected);
                    assertThat(PageSourceChecks.readAll(source, region)).isEqualTo(expected);
                }
                PageSourceChecks.randomReadsMatch(source, model.content, random, 100);
            }
        }
    }

    @Test
    void describe_joinsZeroRunsAcrossAbsentBlocksAndReadsNothing() throws IOException {
        byte[] bytes = new byte[100 * PAGE];
        bytes[3 * PAGE] = 1;
        bytes[90 * PAGE] = 1;
        bytes[91 * PAGE] = 1;
        try (UliPageSource source = open(bytes, 1 << 20)) {
            assertThat(source.describe(0, 0, 100)).isEqualTo(PageRun.zero(3));
            assertThat(source.describe(0, 3, 100)).isEqualTo(PageRun.data(1));
            assertThat(source.describe(0, 4, 100)).isEqualTo(PageRun.zero(86));
            assertThat(source.describe(0, 20, 30)).isEqualTo(PageRun.zero(30));
            assertThat(source.describe(0, 90, 100)).isEqualTo(PageRun.data(2));
            assertThat(source.describe(0, 92, 100)).isEqualTo(PageRun.zero(8));
            assertThat(source.cacheStatistics().misses()).isZero();
        }
    }

    @Test
    void concurrentReadersOfOneBlock_decompressItOnce() throws Exception {
        byte[] bytes = MemoryPageSource.randomRegion(new Random(1), PAGE, 16);
        bytes[0] = 1;
        for (int round = 0; round < 50; round++) {
            try (UliPageSource source = open(bytes, 1 << 20)) {
                Concurrently.run(4, (thread, random) -> source.read(0, thread, 1, ByteBuffer.allocate(PAGE)));
                assertThat(source.cacheStatistics().loads()).isEqualTo(1);
                assertThat(source.cacheStatistics().hits()).isEqualTo(3);
            }
        }
    }

    @Test
    void cacheOfThreeBlocks_holdsNoMoreAtRest() throws Exception {
        int blocks = 64;
        byte[] bytes = new byte[blocks * BLOCK];
        Seed.random("cacheOfThreeBlocks_holdsNoMoreAtRest").nextBytes(bytes);
        long capacity = 3L * (BLOCK + BlockCache.ENTRY_OVERHEAD_BYTES);
        try (UliPageSource source = open(bytes, capacity)) {
            Concurrently.run(4, (thread, random) -> {
                for (int i = 0; i < 100; i++) {
                    PageSourceChecks.randomReadsMatch(source, List.of(bytes), random, 5);
                }
            });
            BlockCacheStatistics statistics = source.cacheStatistics();
            assertThat(statistics.weightBytes()).isLessThanOrEqualTo(capacity);
            assertThat(statistics.evictions()).isPositive();
            assertThat(statistics.hits()).isPositive();
            assertThat(statistics.loadNanos()).isPositive();
        }
    }

    @Test
    void streamAndRequestsAtOnceWhileBlocksAreEvicted_allReadRightBytes() throws Exception {
        Random seeded = Seed.random("streamAndRequestsAtOnce");
        MemoryPageSource model = MemoryPageSource.random(seeded, PageSize.DEFAULT, 3, 3000);
        Path path = directory.resolve("shared.uli");
        new UliWriter().write(path, model);
        try (UliPageSource source = UliPageSource.open(path, 5 * BLOCK)) {
            Concurrently.run(4, (thread, random) -> {
                if (thread == 0) {
                    for (int region = 0; region < 3; region++) {
                        assertThat(PageSourceChecks.readAll(source, region)).isEqualTo(model.content.get(region));
                    }
                } else {
                    PageSourceChecks.randomReadsMatch(source, model.content, random, 300);
                }
            });
        }
    }

    @Test
    void closedWhileOthersRead_givesRightBytesOrAnError() throws Exception {
        byte[] bytes = new byte[200 * PAGE];
        Seed.random("closedWhileOthersRead").nextBytes(bytes);
        for (int round = 0; round < 20; round++) {
            UliPageSource source = open(bytes, 0);
            Concurrently.run(4, (thread, random) -> {
                try {
                    for (int i = 0; i < 20; i++) {
                        PageSourceChecks.randomReadsMatch(source, List.of(bytes), random, 1);
                        if (thread == 0 && i == 5) {
                            source.close();
                        }
                    }
                } catch (PageSourceException e) {
                    assertThat(e).hasMessageContaining("closed");
                }
            });
            assertThatThrownBy(() -> source.read(0, 1, 1, ByteBuffer.allocate(PAGE)))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContainingAll("region 0 page 1", "closed");
        }
    }

    @Test
    void fileThatShrinksWhileOpen_isAnErrorThatNamesThePage() throws IOException {
        byte[] bytes = new byte[64 * PAGE];
        new Random(3).nextBytes(bytes);
        try (UliPageSource source = open(bytes, 1 << 20)) {
            try (var file = new RandomAccessFile(directory.resolve("image.uli").toFile(), "rw")) {
                file.setLength(100_000);
            }
            assertThatThrownBy(() -> source.read(0, 10, 30, ByteBuffer.allocate(30 * PAGE)))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContainingAll("region 0 page 16", "ends at byte 100000");
        }
    }

    private UliPageSource open(byte[] bytes, long cacheBytes) throws IOException {
        Path path = directory.resolve("image.uli");
        new UliWriter().write(path, new MemoryPageSource(PageSize.DEFAULT, List.of(bytes)));
        return UliPageSource.open(path, cacheBytes);
    }
}
