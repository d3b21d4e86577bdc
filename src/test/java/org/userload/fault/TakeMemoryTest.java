package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.fault.FaultInterceptor.Taken;
import org.userload.linux.HugePages;
import org.userload.linux.Mapping;
import org.userload.linux.PageSizeScan;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Threads;
import org.userload.transport.EventLoops;

/** Memory that is taken instead of copied, by the kernel of this machine. */
@Timeout(60)
class TakeMemoryTest {
    private static final int BLOCK = 512;

    private final EventLoops loops = new EventLoops();
    private final UserfaultfdInterceptor interceptor = UserfaultfdInterceptor.open(false);
    private final GuestMemory memory = GuestMemory.missing(RegionTable.single(4 * BLOCK), interceptor);
    private final Mapping source = Mapping.aligned(2L * HugePages.BYTES, HugePages.BYTES, 0);
    private final ByteBuffer bytes = source.buffer(0, 2 * HugePages.BYTES).order(ByteOrder.LITTLE_ENDIAN);

    @BeforeEach
    void start() {
        interceptor.start(memory, loops.start("take-test"), new FaultListener() {
            @Override
            public void pageFault(int region, long page) {}

            @Override
            public void faultsDelivered() {}

            @Override
            public void pagesRemoved(long neverReceived) {}
        });
    }

    @AfterEach
    void close() {
        loops.close();
        interceptor.close();
        memory.close();
        source.close();
    }

    private void fill(boolean huge) {
        if (huge) {
            source.preferHugePages();
        }
        for (int at = 0; at < 2 * HugePages.BYTES; at += 8) {
            bytes.putLong(at, at + 1);
        }
    }

    private Taken take(long firstPage, int count, long sourceOffset) {
        return interceptor.take(memory.region(0), firstPage, count, source.address() + sourceOffset);
    }

    private void assertPages(long firstPage, int count, long sourceOffset) {
        for (int page = 0; page < count; page++) {
            for (int at = 0; at < 4096; at += 512) {
                assertThat(memory.getLong(((firstPage + page) << 12) + at))
                        .as("page %d", firstPage + page)
                        .isEqualTo(sourceOffset + page * 4096L + at + 1);
            }
        }
    }

    @Test
    void hugePage_isMovedAsOne_andItsOldPlaceIsEmpty() {
        fill(true);
        assertThat(take(BLOCK, BLOCK, 0)).isEqualTo(new Taken(BLOCK, 0));
        assertPages(BLOCK, BLOCK, 0);
        try (PageSizeScan scan = PageSizeScan.open()) {
            assertThat(scan.hugeBytes(memory.region(0).hostAddress(), memory.sizeBytes()))
                    .isEqualTo(HugePages.BYTES);
            assertThat(scan.populatedBytes(source.address(), HugePages.BYTES)).isZero();
        }
        assertThat(bytes.getLong(4096)).isZero();
    }

    @Test
    void moveThatEndsMidway_isFinishedByCopies() {
        fill(false);
        Mapping.discard(source.address() + 200 * 4096, 4096);
        assertThat(take(0, BLOCK, 0)).isEqualTo(new Taken(200, BLOCK - 200));
        assertPages(0, 200, 0);
        assertThat(memory.getLong(200 << 12)).isZero();
        assertPages(201, BLOCK - 201, 201 * 4096);
        assertThat(memory.region(0).received().cardinality(0, BLOCK)).isEqualTo(BLOCK);
    }

    @Test
    void pagesThatAreThere_areNotTakenAgain() {
        fill(true);
        assertThat(interceptor.install(memory.region(0), 100, 3, source.address() + HugePages.BYTES))
                .isEqualTo(3);
        memory.putLong(101 << 12, -1);
        assertThat(take(0, BLOCK, 0)).isEqualTo(new Taken(0, BLOCK - 3));
        assertThat(memory.getLong(101 << 12)).isEqualTo(-1);
        assertPages(100, 1, HugePages.BYTES);
        assertPages(0, 100, 0);
        assertPages(103, BLOCK - 103, 103 * 4096);
    }

    @Test
    void knownPages_stayWhatTheyAre() {
        fill(true);
        assertThat(interceptor.know(memory.region(0), 50, 2, 0)).isEqualTo(2);
        assertThat(interceptor.areMissing(memory.region(0), 0, BLOCK)).isFalse();
        assertThat(take(0, BLOCK, 0)).isEqualTo(new Taken(0, BLOCK - 2));
        assertThat(memory.getLong(51 << 12)).isZero();
        assertPages(52, BLOCK - 52, 52 * 4096);
    }

    @Test
    void runsOfAnyAlignment_areTaken() {
        fill(true);
        assertThat(take(3, BLOCK, 7 * 4096)).isEqualTo(new Taken(BLOCK, 0));
        assertPages(3, BLOCK, 7 * 4096);
    }

    /** Two loops install the same pages at once, one by moving them: each page counts once, and is whole. */
    @Test
    void movesAndCopiesOfTheSamePages_countEachPageOnce() throws Exception {
        for (int round = 0; round < 200; round++) {
            fill(true);
            long block = round % 4L;
            memory.region(0).received().clear(block * BLOCK, BLOCK);
            Mapping.discard(memory.region(0).hostAddressOf(block * BLOCK), HugePages.BYTES);
            AtomicInteger copied = new AtomicInteger();
            FutureTask<Void> copier = Threads.start(() -> {
                for (int page = 0; page < BLOCK; page += 5) {
                    copied.addAndGet(interceptor.install(
                            memory.region(0),
                            block * BLOCK + page,
                            1,
                            source.address() + HugePages.BYTES + page * 4096L));
                }
                return null;
            });
            Taken taken = take(block * BLOCK, BLOCK, 0);
            copier.get(10, TimeUnit.SECONDS);
            assertThat(taken.moved() + taken.copied() + copied.get()).isEqualTo(BLOCK);
            for (int page = 0; page < BLOCK; page++) {
                long first = memory.getLong((block * BLOCK + page) << 12);
                assertThat(first).isIn(page * 4096L + 1, HugePages.BYTES + page * 4096L + 1);
            }
        }
    }
}
