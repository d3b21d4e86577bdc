package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** What readers see while others change the set: states that it had, and nothing else. */
@Timeout(120)
class RangeSetConcurrencyTest {
    private static final int LIMIT = 4 * Chunk.SIZE;
    private static final int READS = 20_000;

    /**
     * A guarded range across the border of two chunks always is in the set, the pages beside it never are. The writer
     * changes everything around them, in a way that makes every form of the store and of both chunks come and go.
     */
    @Test
    void reader_alwaysSeesARangeThatStays_andNeverItsFreeNeighbours() throws Exception {
        SplittableRandom random = Seeds.random("RangeSetConcurrencyTest guarded range");
        RangeSet set = new RangeSet(LIMIT);
        long[] guard = {Chunk.SIZE - 40, 100};
        set.add(guard[0], guard[1]);
        AtomicBoolean end = new AtomicBoolean();
        FutureTask<Long> writer = Threads.start(() -> writeAroundGuard(set, guard, random, end));
        try {
            List<FutureTask<Boolean>> readers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                readers.add(Threads.start(guardReader(set, guard)));
            }
            for (FutureTask<Boolean> reader : readers) {
                assertThat(Threads.join(reader, 90)).isTrue();
            }
        } finally {
            end.set(true);
        }
        assertThat(Threads.join(writer, 30)).isGreaterThan(0);
    }

    /** Adds and removes the pages around the guard, never one of the guard; gives how often. */
    private static long writeAroundGuard(RangeSet set, long[] guard, SplittableRandom random, AtomicBoolean end) {
        long rounds = 0;
        while (!end.get()) {
            for (int i = 0; i < 2000 && !end.get(); i++) {
                set.add(random.nextLong(guard[0] - 1), 1);
                set.add(guard[0] + guard[1] + 1 + 2L * i, 1);
            }
            set.remove(0, guard[0] - 1);
            set.remove(guard[0] + guard[1] + 1, LIMIT - guard[0] - guard[1] - 1);
            rounds++;
        }
        return rounds;
    }

    private static Callable<Boolean> guardReader(RangeSet set, long[] guard) {
        return () -> {
            for (int i = 0; i < READS; i++) {
                assertThat(set.contains(guard[0], guard[1])).isTrue();
                assertThat(set.contains(guard[0] + i % guard[1])).isTrue();
                assertThat(set.contains(guard[0] - 1)).isFalse();
                assertThat(set.overlaps(guard[0] + guard[1], 1)).isFalse();
                assertThat(set.next(guard[0]).orElseThrow().end()).isEqualTo(guard[0] + guard[1]);
            }
            return true;
        };
    }

    @Test
    void reader_seesABatch_asAWholeOrNotAtAll() throws Exception {
        RangeSet set = new RangeSet(LIMIT);
        RangeBatch odd = new RangeBatch();
        for (int i = 0; i < 200; i++) {
            odd.add(1000 + 2L * i, 1);
        }
        RangeBatch refused = new RangeBatch();
        for (int i = 0; i < 200; i++) {
            refused.add(100_000 + 2L * i, 1);
        }
        refused.add(100_000, 1);
        AtomicBoolean end = new AtomicBoolean();
        FutureTask<Long> writer = Threads.start(() -> {
            long rounds = 0;
            while (!end.get()) {
                assertThat(set.addAbsent(odd)).isEqualTo(RangeSet.ALL);
                assertThat(set.addAbsent(refused)).isEqualTo(200);
                assertThat(set.removePresent(odd)).isEqualTo(RangeSet.ALL);
                rounds++;
            }
            return rounds;
        });
        try {
            for (int i = 0; i < READS; i++) {
                assertThat(set.overlaps(100_000, 1000)).isFalse();
                RangeSnapshot snapshot = set.snapshot();
                assertThat(snapshot.pages()).isIn(0L, 200L);
                AtomicLong walked = new AtomicLong();
                snapshot.forEach((first, count) -> walked.addAndGet(count));
                assertThat(walked.get()).isEqualTo(snapshot.pages());
                assertThat(set.pages()).isIn(0L, 200L);
            }
        } finally {
            end.set(true);
        }
        assertThat(Threads.join(writer, 30)).isGreaterThan(0);
    }

    @Test
    void writers_loseNothing_whenManyChangeTheSameChunks() throws Exception {
        RangeSet set = new RangeSet(LIMIT);
        List<FutureTask<Long>> writers = new ArrayList<>();
        for (int part = 0; part < 3; part++) {
            int mine = part;
            writers.add(Threads.start(() -> {
                long added = 0;
                for (long page = mine; page < LIMIT; page += 3) {
                    added += set.add(page, 1);
                }
                return added;
            }));
        }
        long added = 0;
        for (FutureTask<Long> writer : writers) {
            added += Threads.join(writer, 90);
        }
        assertThat(added).isEqualTo(LIMIT);
        assertThat(set.pages()).isEqualTo(LIMIT);
        assertThat(set.ranges()).isEqualTo(1);
    }
}
