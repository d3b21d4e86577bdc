package org.userload.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.userload.dirty.DirtySink;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

/**
 * The Java side of the scenario {@code dirty} of {@code benchmarks/floor}: rounds of random writes, each ended by one
 * collect, which must find exactly the pages that were written.
 */
final class DirtySubject implements DirtySink {
    private final int pages;
    private final int pagesPerRound;
    private final int rounds;
    private final int[] order;
    private final ObjectMapper json = new ObjectMapper();
    private long found;

    DirtySubject(int pages, int rounds) {
        this.pages = pages;
        this.pagesPerRound = Math.max(1, pages / 100);
        this.rounds = rounds;
        this.order = new int[pages];
        for (int i = 0; i < pages; i++) {
            order[i] = i;
        }
    }

    @Override
    public void dirty(int region, long firstPage, long count) {
        found += count;
    }

    /** One run, like one of the C program. */
    ObjectNode run() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP)) {
            for (long page = 0; page < pages; page++) {
                memory.putByte(page << 12, (byte) 1);
            }
            Pattern.Random random = new Pattern.Random(Pattern.SEED);
            double[] untracked = new double[rounds];
            for (int i = 0; i < rounds; i++) {
                shuffle(random);
                untracked[i] = writeNanos(memory, i);
            }
            long begin = System.nanoTime();
            tracker.start();
            long start = System.nanoTime() - begin;
            return measure(memory, tracker, random)
                    .put("start_ns", start)
                    .put("untracked_write_ns", Spread.of(untracked).median());
        }
    }

    private ObjectNode measure(GuestMemory memory, DirtyTracker tracker, Pattern.Random random) {
        double[] scans = new double[rounds];
        double[] first = new double[rounds];
        double[] second = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            shuffle(random);
            first[i] = writeNanos(memory, i);
            second[i] = writeNanos(memory, i);
            found = 0;
            long begin = System.nanoTime();
            tracker.collect(this);
            scans[i] = System.nanoTime() - begin;
            if (found != pagesPerRound) {
                throw new IllegalStateException(found + " pages found where " + pagesPerRound + " were written");
            }
        }
        return json.createObjectNode()
                .put("rounds", rounds)
                .put("pages_per_round", pagesPerRound)
                .put("scan_ns", Spread.of(scans).median())
                .put("first_write_ns", Spread.of(first).median())
                .put("second_write_ns", Spread.of(second).median());
    }

    /** Moves random pages, none twice, to the front. */
    private void shuffle(Pattern.Random random) {
        for (int i = 0; i < pagesPerRound; i++) {
            int other = i + random.below(pages - i);
            int page = order[other];
            order[other] = order[i];
            order[i] = page;
        }
    }

    private double writeNanos(GuestMemory memory, long value) {
        long begin = System.nanoTime();
        for (int i = 0; i < pagesPerRound; i++) {
            memory.putLong((long) order[i] << 12, value);
        }
        return (System.nanoTime() - begin) / (double) pagesPerRound;
    }
}
