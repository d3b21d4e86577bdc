package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** What the real trackers say of pages that are dropped and used again, and that rounds of copies end right. */
@Timeout(120)
class BalloonTrackingTest {
    private static final int HUGE = 512;

    private static RangeBatch range(long first, long count) {
        return new RangeBatch().add(first, count);
    }

    private static Set<Long> collected(DirtyTracker tracker) {
        Set<Long> pages = new TreeSet<>();
        tracker.collect((region, first, count) -> {
            for (long page = first; page < first + count; page++) {
                pages.add(page);
            }
        });
        return pages;
    }

    /** Single pages of small and of huge ones, and whole huge ones, whose entry in the page table goes as well. */
    @ParameterizedTest
    @EnumSource(
            value = TrackerChoice.class,
            names = {"UFFD_WP", "ACCESS_LAYER"})
    void writeAfterDeflation_isReported_wheneverTheDropWas(TrackerChoice choice) {
        long pages = 8 * HUGE;
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages))) {
            memory.fill(0, pages << 12, (byte) 3);
            Balloon balloon = Balloon.empty(memory, 0);
            try (DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
                tracker.start();
                assertThat(collected(tracker)).isEmpty();
                RangeBatch lent = range(3, 5).add(2 * HUGE, 2 * HUGE).add(6 * HUGE + 7, 1);
                balloon.inflate(lent);
                balloon.deflate(lent);
                memory.putLong(4 << 12, 1); // dropped since the last collection
                collected(tracker);
                memory.putLong(5 << 12, 1); // dropped before it, not written before
                memory.putLong(4 << 12, 2); // written before it
                memory.putLong((2L * HUGE + 9) << 12, 1);
                memory.putLong((6L * HUGE + 7) << 12, 1);
                assertThat(collected(tracker)).contains(4L, 5L, 2L * HUGE + 9, 6L * HUGE + 7);
                memory.putLong((3L * HUGE) << 12, 1);
                assertThat(collected(tracker)).contains(3L * HUGE);
            }
        }
    }

    /** The bitmap of the page-access layer knows nothing of a drop: what the balloon notes is all that tells of it. */
    @Test
    void dropAlone_isNoWriteForThePageAccessLayer() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(100));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.ACCESS_LAYER)) {
            memory.fill(0, 100 << 12, (byte) 3);
            Balloon balloon = Balloon.empty(memory, 0);
            tracker.start();
            balloon.attach(new FreePages(memory.table()));
            balloon.inflate(range(3, 5));
            assertThat(collected(tracker)).isEmpty();
            BitSet noted = new BitSet();
            balloon.collect((region, first, count) -> noted.set((int) first, (int) (first + count)));
            assertThat(noted.toString()).isEqualTo("{3, 4, 5, 6, 7}");
        }
    }

    /**
     * A guest that writes, lends and takes back as fast as it can, while another thread copies in rounds what a migration would
     * send: the bytes of pages that are not sent and not free, zeros for free ones. The last round, with the guest at rest, has
     * to leave a copy that is right to the byte.
     */
    @ParameterizedTest
    @EnumSource(
            value = TrackerChoice.class,
            names = {"UFFD_WP", "ACCESS_LAYER"})
    void copyInRounds_isRight_howeverTheBalloonChanges(TrackerChoice choice) throws Exception {
        SplittableRandom random = Seeds.random("BalloonTrackingTest " + choice);
        for (int migration = 0; migration < 20; migration++) {
            int pages = random.nextInt(1, 3 * HUGE);
            try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages));
                    GuestMemory copy = GuestMemory.present(RegionTable.single(pages))) {
                memory.fill(0, (long) pages << 12, (byte) 3);
                copy.fill(0, (long) pages << 12, (byte) 9);
                Balloon balloon = Balloon.empty(memory, 0);
                BallooningWriter guest = new BallooningWriter(memory, balloon, random.split());
                guest.steps(random.nextInt(1000));
                AtomicBoolean stop = new AtomicBoolean();
                FutureTask<Void> running = Threads.start(() -> {
                    while (!stop.get()) {
                        guest.steps(1);
                    }
                    return null;
                });
                try (DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
                    tracker.start();
                    CopyingRounds rounds = new CopyingRounds(memory, copy, balloon, tracker);
                    balloon.attach(rounds.free);
                    for (int round = 0; round < 4; round++) {
                        rounds.send();
                        rounds.collect();
                    }
                    if (random.nextBoolean()) {
                        balloon.freeze();
                        stop.set(true);
                        Threads.join(running, 20);
                    } else {
                        stop.set(true);
                        Threads.join(running, 20);
                        balloon.freeze();
                    }
                    rounds.collect();
                    rounds.send();
                }
                assertSame(memory, copy, pages);
                balloon.detach(false);
            }
        }
    }

    /** Also pages in the balloon: they are zero here, and the guest gets them there without another word. */
    private static void assertSame(GuestMemory memory, GuestMemory copy, int pages) {
        for (long address = 0; address < (long) pages << 12; address += 8) {
            if (memory.getLong(address) != copy.getLong(address)) {
                throw new AssertionError(
                        String.format("0x%x: %x, not %x", address, copy.getLong(address), memory.getLong(address)));
            }
        }
    }

    /** What the stream of a migration does with the marks of pages that are sent. */
    private static final class CopyingRounds {
        final FreePages free;
        private final GuestMemory from;
        private final GuestMemory to;
        private final Balloon balloon;
        private final DirtyTracker tracker;
        private final BitSet sent = new BitSet();
        private final byte[] page = new byte[4096];

        CopyingRounds(GuestMemory from, GuestMemory to, Balloon balloon, DirtyTracker tracker) {
            this.from = from;
            this.to = to;
            this.balloon = balloon;
            this.tracker = tracker;
            this.free = new FreePages(from.table());
            free.watch();
        }

        void send() {
            for (int i = sent.nextClearBit(0); i < from.region(0).pageCount(); i = sent.nextClearBit(i + 1)) {
                sent.set(i);
                if (free.emptyFrom(0, i, i + 1) == 1) {
                    to.fill((long) i << 12, 4096, (byte) 0);
                } else {
                    from.get((long) i << 12, page, 0, 4096);
                    to.put((long) i << 12, page, 0, 4096);
                }
            }
        }

        void collect() {
            tracker.collect((region, first, count) -> {
                free.used(region, first, count);
                sent.clear((int) first, (int) (first + count));
            });
            balloon.collect((region, first, count) -> sent.clear((int) first, (int) (first + count)));
        }
    }

    /** A guest that keeps to the rules: uses no page that it has lent. */
    private static final class BallooningWriter {
        private final GuestMemory memory;
        private final Balloon balloon;
        private final SplittableRandom random;
        private final int pages;
        private final BitSet lent = new BitSet();

        BallooningWriter(GuestMemory memory, Balloon balloon, SplittableRandom random) {
            this.memory = memory;
            this.balloon = balloon;
            this.random = random;
            this.pages = (int) memory.region(0).pageCount();
        }

        void steps(int count) {
            for (int i = 0; i < count; i++) {
                int page = random.nextInt(pages);
                int end = Math.min(pages, page + random.nextInt(1, random.nextInt(50) == 0 ? 600 : 4));
                if (lent.get(page)) {
                    int to = Math.min(end, lent.nextClearBit(page));
                    if (balloon.deflate(range(page, to - page)) instanceof HintResult.Accepted) {
                        lent.clear(page, to);
                    }
                } else if (random.nextInt(4) == 0) {
                    int next = lent.nextSetBit(page);
                    int to = next < 0 ? end : Math.min(end, next);
                    if (balloon.inflate(range(page, to - page)) instanceof HintResult.Accepted) {
                        lent.set(page, to);
                    }
                } else {
                    memory.putLong(((long) page << 12) + 8L * random.nextInt(512), random.nextLong());
                }
            }
        }
    }
}
