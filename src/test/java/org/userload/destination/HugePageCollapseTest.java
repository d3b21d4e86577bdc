package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.HugePages;
import org.userload.linux.PageSizeScan;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageRange;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.FakeSource;
import org.userload.transport.Endpoint;

/** Huge pages out of memory that came in pieces. */
@Timeout(60)
class HugePageCollapseTest {
    private static final int BLOCKS = 12;
    private static final int BLOCK = 512;

    private final GuestMemory origin = GuestMemory.present(RegionTable.single(BLOCKS * BLOCK + 100));
    private PageServer server;

    @BeforeEach
    void serve() throws Exception {
        for (long address = 0; address < origin.sizeBytes(); address += 8) {
            origin.putLong(address, FakeSource.wordAt(address));
        }
        server = PageServer.serve(
                Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "origin"), new ServerListener() {});
    }

    @AfterEach
    void close() {
        server.close();
        origin.close();
    }

    /** A page of each block comes first, so that no block comes as one. */
    private Destination openInPieces(boolean hugePages) throws Exception {
        Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                .withInterceptor(InterceptorChoice.USERFAULTFD)
                .withHugePages(hugePages)
                .withStreamAtOnce(false));
        for (int block = 0; block < BLOCKS; block++) {
            destination.memory().touch((block * (BLOCK + 3L)) << 12);
        }
        return destination;
    }

    private static void awaitCollapsed(Destination destination, int blocks) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (destination.statistics().blocks().collapsed() < blocks && System.nanoTime() < end) {
            Thread.sleep(5);
        }
        assertThat(destination.statistics().blocks().collapsed()).isEqualTo(blocks);
    }

    private static void assertContent(GuestMemory memory, long firstPage, long pages) {
        for (long address = firstPage << 12; address < (firstPage + pages) << 12; address += 8) {
            assertThat(memory.getLong(address) == FakeSource.wordAt(address)).isTrue();
        }
    }

    @Test
    void blocksThatCameInPieces_becomeHugePages_withTheirContent() throws Exception {
        try (Destination destination = openInPieces(true)) {
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
            awaitCollapsed(destination, BLOCKS);
            assertThat(destination.statistics().blocks().moved()).isZero();
            assertThat(destination.hugeBytes()).isEqualTo((long) BLOCKS * HugePages.BYTES);
            assertContent(destination.memory(), 0, BLOCKS * BLOCK + 100);
        }
    }

    @Test
    void releasedMemory_doesNotComeBack() throws Exception {
        try (Destination destination = openInPieces(true)) {
            // Missing pages of one block, present ones of another; then some after the end.
            destination.release(0, new PageRange(2 * BLOCK + 100, 1)).get(10, TimeUnit.SECONDS);
            destination.release(0, new PageRange(5 * BLOCK + 15, 1)).get(10, TimeUnit.SECONDS);
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
            awaitCollapsed(destination, BLOCKS - 2);
            MemoryRegion region = destination.memory().region(0);
            try (PageSizeScan scan = PageSizeScan.open()) {
                for (long block : new long[] {2, 5}) {
                    long address = region.hostAddressOf(block * BLOCK);
                    assertThat(scan.hugeBytes(address, HugePages.BYTES)).isZero();
                    assertThat(scan.populatedBytes(address, HugePages.BYTES)).isEqualTo(HugePages.BYTES - 4096);
                }
            }
            assertThat(destination.memory().getLong((2 * BLOCK + 100L) << 12)).isZero();
            assertThat(destination.memory().getLong((5 * BLOCK + 15L) << 12)).isZero();
            assertContent(destination.memory(), 6 * BLOCK, 6 * BLOCK);
        }
    }

    @Test
    void emptyBlocks_stayEmpty() throws Exception {
        origin.fill(3L * HugePages.BYTES, 65 * 4096, (byte) 0);
        origin.fill(4L * HugePages.BYTES, 64 * 4096, (byte) 0);
        try (Destination destination = openInPieces(true)) {
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
            awaitCollapsed(destination, BLOCKS - 1);
            try (PageSizeScan scan = PageSizeScan.open()) {
                long address = destination.memory().region(0).hostAddressOf(3 * BLOCK);
                assertThat(scan.hugeBytes(address, HugePages.BYTES)).isZero();
            }
            assertThat(destination.memory().getLong(3L * HugePages.BYTES)).isZero();
        }
    }

    @Test
    void withoutHugePages_nothingIsCollapsed_andCloseEndsTheCollapse() throws Exception {
        try (Destination destination = openInPieces(false)) {
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
            assertThat(destination.hugeBytes()).isZero();
        }
        try (Destination destination = openInPieces(true)) {
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("userload-collapse");
    }
}
