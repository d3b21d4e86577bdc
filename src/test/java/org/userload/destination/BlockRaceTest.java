package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.FakeSource;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/**
 * Threads that write to pages of the very block that is just arriving: whichever comes first, the page or its block, no write
 * is lost, no byte is wrong and every page counts once.
 */
@Timeout(120)
class BlockRaceTest {
    private static final int BLOCK = 512;
    private static final int BLOCKS = 96;
    private static final int THREADS = 3;

    @Test
    void writesToABlockThatArrives_areKept_andEveryOtherByteIsTheSources() throws Exception {
        long seed = Seeds.of("BlockRaceTest");
        RegionTable table = RegionTable.single((long) BLOCKS * BLOCK);
        try (GuestMemory origin = GuestMemory.present(table)) {
            for (long address = 0; address < origin.sizeBytes(); address += 8) {
                origin.putLong(address, FakeSource.wordAt(address));
            }
            for (int round = 0; round < 2; round++) {
                race(origin, new SplittableRandom(seed + round));
            }
        }
    }

    private static void race(GuestMemory origin, SplittableRandom random) throws Exception {
        try (PageServer server = PageServer.serve(
                        Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "origin"), new ServerListener() {});
                Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                        .withInterceptor(InterceptorChoice.USERFAULTFD)
                        .withStreamAtOnce(false))) {
            GuestMemory memory = destination.memory();
            List<FutureTask<int[]>> writers = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                SplittableRandom own = random.split();
                writers.add(Threads.start(() -> write(memory, number, own)));
            }
            destination.startStream();
            DestinationStatistics statistics = destination.completion().get(60, TimeUnit.SECONDS);
            System.out.println("BlockRaceTest: " + statistics.blocks() + ", " + statistics.pages());
            assertThat(statistics.pagesInPlace()).isEqualTo((long) BLOCKS * BLOCK);
            assertThat(statistics.blocks().moved()).isPositive();
            for (int i = 0; i < THREADS; i++) {
                int[] written = Threads.join(writers.get(i), 30);
                for (int block = 0; block < BLOCKS; block++) {
                    long address = ((long) block * BLOCK + written[block]) << 12 | i << 3;
                    assertThat(memory.getLong(address)).isEqualTo(value(i, block));
                    memory.putLong(address, FakeSource.wordAt(address));
                }
            }
            for (long address = 0; address < memory.sizeBytes(); address += 8) {
                if (memory.getLong(address) != FakeSource.wordAt(address)) {
                    throw new AssertionError("wrong word at guest address " + address);
                }
            }
        }
    }

    private static long value(int thread, int block) {
        return -1L - thread - ((long) block << 8);
    }

    /** Writes a word to one page of each block, at about the time when the block comes; gives which pages. */
    private static int[] write(GuestMemory memory, int thread, SplittableRandom random) {
        AtomicBitmap received = memory.region(0).received();
        int[] pages = new int[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) {
            while (block > 0 && !received.get((long) block * BLOCK - 1)) {
                LockSupport.parkNanos(20_000);
            }
            LockSupport.parkNanos(random.nextInt(1_000_000));
            pages[block] = random.nextInt(BLOCK);
            memory.putLong(((long) block * BLOCK + pages[block]) << 12 | thread << 3, value(thread, block));
        }
        return pages;
    }
}
