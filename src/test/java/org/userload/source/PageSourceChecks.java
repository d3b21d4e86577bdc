package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Compares a page source with the bytes it should have. */
final class PageSourceChecks {
    private PageSourceChecks() {}

    /** All bytes of a region, read in one piece. */
    static byte[] readAll(PageSource source, int region) {
        int pages = (int) source.regions().entries().get(region).pageCount();
        ByteBuffer bytes =
                ByteBuffer.allocate(pages * source.regions().pageSize().bytes());
        source.read(region, 0, pages, bytes);
        return bytes.array();
    }

    /** Reads pieces of random place and length into buffers of both kinds, with bytes before and behind. */
    static void randomReadsMatch(PageSource source, List<byte[]> expected, Random random, int reads) {
        int pageBytes = source.regions().pageSize().bytes();
        for (int i = 0; i < reads; i++) {
            int region = random.nextInt(expected.size());
            byte[] bytes = expected.get(region);
            int pages = bytes.length / pageBytes;
            int first = random.nextInt(pages);
            int count = 1 + random.nextInt(Math.min(pages - first, 60));
            int before = random.nextInt(100);
            int size = before + count * pageBytes + random.nextInt(100);
            ByteBuffer dst = random.nextBoolean() ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
            dst.position(before);
            if (random.nextBoolean()) {
                describedRunsAreTrue(source, region, first, count, bytes);
            }
            source.read(region, first, count, dst);
            assertThat(dst.position()).isEqualTo(before + count * pageBytes);
            assertThat(dst.limit()).isEqualTo(size);
            byte[] actual = new byte[count * pageBytes];
            dst.get(before, actual);
            assertThat(Arrays.mismatch(
                            actual, Arrays.copyOfRange(bytes, first * pageBytes, (first + count) * pageBytes)))
                    .as("first wrong byte of region %d page %d count %d", region, first, count)
                    .isEqualTo(-1);
            for (int j = 0; j < size; j++) {
                if (j < before || j >= before + count * pageBytes) {
                    assertThat(dst.get(j)).isZero();
                }
            }
        }
    }

    /** Walks a range by described runs: each has the right kind. */
    static void describedRunsAreTrue(PageSource source, int region, int first, int count, byte[] expected) {
        int pageBytes = source.regions().pageSize().bytes();
        for (int page = first; page < first + count; ) {
            PageRun run = source.describe(region, page, first + count - page);
            assertThat(run.pageCount()).isBetween(1, first + count - page);
            for (int i = 0; i < run.pageCount(); i++, page++) {
                assertThat(run.isZero())
                        .as("kind of region %d page %d", region, page)
                        .isEqualTo(MemoryPageSource.isZero(expected, page * pageBytes, pageBytes));
            }
        }
    }
}
