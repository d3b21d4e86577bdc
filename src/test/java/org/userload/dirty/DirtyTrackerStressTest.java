package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.linux.Mapping;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.NativeTouch;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/**
 * The copy loop of a migration beside threads that write: when they have stopped, one more round makes the replica equal.
 *
 * <p>Writers work in bursts, and after each the replica is compared. In a burst a writer goes over the pages once in its
 * own order, so that a lost write is not hidden by a later one.
 */
@Timeout(120)
class DirtyTrackerStressTest {
    private static final long SECOND = 1L << 30;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 2000), new RegionTable.Entry(SECOND, 48)));
    private static final int WRITERS = 3;
    private static final long SECONDS = 3;
    private static final int LAST_WORD = 4096 - 8;

    private final AtomicInteger writing = new AtomicInteger();
    private final CyclicBarrier barrier = new CyclicBarrier(WRITERS + 1);
    private volatile boolean ending;

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void replica_equalsMemory_whenWritersHaveStopped(TrackerChoice choice) throws Exception {
        long seed = Seeds.of("DirtyTrackerStressTest");
        try (GuestMemory memory = GuestMemory.present(TABLE);
                GuestMemory replica = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            List<FutureTask<Long>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                boolean natively = i == 0 && tracker.seesNativeWrites();
                writers.add(Threads.start(() -> write(memory, new SplittableRandom(seed + writer), writer, natively)));
            }
            int rounds = 0;
            int bursts = 0;
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            try {
                do {
                    writing.set(WRITERS);
                    barrier.await(60, TimeUnit.SECONDS);
                    while (writing.get() > 0) {
                        Reported.by(tracker, memory).copyTo(replica);
                        rounds++;
                    }
                    Reported.by(tracker, memory).copyTo(replica);
                    bursts++;
                    assertThat(Reported.firstDifference(memory, replica))
                            .as("first wrong address after burst %d, seed %d", bursts, seed)
                            .isEqualTo(-1);
                } while (System.nanoTime() < end);
            } finally {
                ending = true;
                barrier.await(60, TimeUnit.SECONDS);
                for (FutureTask<Long> writer : writers) {
                    assertThat(Threads.join(writer, 60)).isPositive();
                }
            }
            System.out.println(choice + ": " + bursts + " bursts, " + rounds + " rounds, seed " + seed);
            assertThat(rounds).as("rounds beside writers").isGreaterThan(bursts);
        }
    }

    private long write(GuestMemory memory, SplittableRandom random, int writer, boolean natively) throws Exception {
        long stamp = 0;
        int pages = Math.toIntExact(TABLE.totalPages());
        try (Mapping word = Mapping.anonymous(4096)) {
            barrier.await(60, TimeUnit.SECONDS);
            while (!ending) {
                int step = random.nextInt(pages / 2) * 2 + 1; // odd, so that it meets every page of 2048
                int page = random.nextInt(pages);
                for (int i = 0; i < pages; i++) {
                    page = (page + step) & (pages - 1);
                    long base = page < 2000 ? (long) page << 12 : SECOND + ((page - 2000L) << 12);
                    long address = base + writer * 1024L + random.nextInt(127) * 8L;
                    stamp++;
                    if (natively && (i & 31) == 0) {
                        word.buffer(0, 8).putLong(0, stamp);
                        NativeTouch.copyBytes(memory.nativeAddress(address), word.address(), 8);
                    } else {
                        put(memory, address, stamp, random.nextInt(6));
                    }
                }
                writing.decrementAndGet();
                barrier.await(60, TimeUnit.SECONDS);
            }
        }
        return stamp;
    }

    private static void put(GuestMemory memory, long address, long stamp, int way) {
        switch (way) {
            case 0 -> memory.putByte(address, (byte) stamp);
            case 1 -> memory.putInt(address, (int) stamp);
            case 2 -> memory.getAndAddLong(address, stamp);
            case 3 -> memory.compareAndSetLong(address, memory.getLong(address), stamp);
            case 4 -> memory.fill(address, 8, (byte) stamp);
            default -> memory.putLong(address, stamp);
        }
    }

    /**
     * One writer that writes few pages again and again, so that most of its writes find their page's bit set, beside a
     * loop that clears as often as it can. A write is a word or a whole page that ends in it, which takes longer. Only
     * the last write of a burst can be lost unseen, so bursts are short.
     */
    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void lastWriteOfABurst_isNeverLost(TrackerChoice choice) throws Exception {
        long seed = Seeds.of("DirtyTrackerStressTest");
        RegionTable small = RegionTable.single(4);
        Turns turns = new Turns();
        try (GuestMemory memory = GuestMemory.present(small);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            FutureTask<Integer> writer = Threads.start(() -> writeBursts(memory, new SplittableRandom(seed), turns));
            long[] replica = new long[4];
            DirtySink copy = (r, first, count) -> {
                for (long page = first; page < first + count; page++) {
                    replica[(int) page] = -1;
                }
            };
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            int bursts = 0;
            while (System.nanoTime() < end) {
                turns.begun = ++bursts;
                while (turns.ended != bursts) {
                    round(tracker, copy, memory, replica);
                }
                round(tracker, copy, memory, replica);
                for (int page = 0; page < 4; page++) {
                    assertThat(replica[page])
                            .as("page %d after burst %d, seed %d", page, bursts, seed)
                            .isEqualTo(memory.getLong(((long) page << 12) + LAST_WORD));
                }
            }
            turns.begun = -1;
            assertThat(Threads.join(writer, 60)).isEqualTo(bursts);
            System.out.println(choice + ": " + bursts + " short bursts, seed " + seed);
        } finally {
            turns.begun = -1;
        }
    }

    /** Stamps are positive, so -1 says that the page is to be copied. */
    private static void round(DirtyTracker tracker, DirtySink copy, GuestMemory memory, long[] replica) {
        tracker.collect(copy);
        for (int page = 0; page < replica.length; page++) {
            if (replica[page] == -1) {
                replica[page] = memory.getLong(((long) page << 12) + LAST_WORD);
            }
        }
    }

    private static int writeBursts(GuestMemory memory, SplittableRandom random, Turns turns) {
        byte[] page = new byte[4096];
        long stamp = 0;
        int burst = 0;
        while (true) {
            while (turns.begun == burst) {
                Thread.onSpinWait();
            }
            if (turns.begun < 0) {
                return burst;
            }
            burst++;
            int writes = 50 + random.nextInt(200);
            for (int i = 0; i < writes; i++) {
                long address = (i & 3L) << 12;
                stamp++;
                if (random.nextBoolean()) {
                    memory.putLong(address + LAST_WORD, stamp);
                } else {
                    ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).putLong(LAST_WORD, stamp);
                    memory.put(address, page, 0, page.length);
                }
            }
            turns.ended = burst;
        }
    }

    /** Whose turn it is: the writer writes while fewer bursts have ended than begun. */
    private static final class Turns {
        volatile int begun;
        volatile int ended;
    }
}
