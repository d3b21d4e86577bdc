package org.userload.trace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a replayed guest has in the pages that its trace does not touch, those above the trace's: pages in use with the
 * seed's content, zero pages, free pages with old content, and pages that a balloon has given to the host.
 *
 * <p>The kinds lie mixed, in runs of 1 to 1024 pages, as the blocks of a buddy allocator do. {@code docs/replay.md}
 * states the rule: same numbers, same pages, everywhere. Immutable; any thread.
 */
public final class ColdPages {
    /** What a cold page is. */
    public enum Kind {
        /** In use; not written since the guest was filled. */
        IN_USE(0),
        /** In use and never written: zero. */
        ZERO(1),
        /** Used before, with the content of that time, and free: what it holds does not matter to the guest. */
        FREE(2),
        /** Given to the host, which has dropped it: zero, and not the guest's until it is taken back. */
        BALLOONED(3);

        private final int index;

        Kind(int index) {
            this.index = index;
        }
    }

    /**
     * How many pages are what; the rest is in use.
     *
     * @param zeroFraction of the cold pages, 0 to 1
     * @param freeFraction of the cold pages, 0 to 1; both together at most 1
     * @param balloonPages 0 or more; not more than the fractions leave
     */
    public record Shares(double zeroFraction, double freeFraction, long balloonPages) {
        /** Every cold page is in use. */
        public static final Shares NONE = new Shares(0, 0, 0);

        /** @throws IllegalArgumentException naming the value that is out of range */
        public Shares {
            requireFraction("zero", zeroFraction);
            requireFraction("free", freeFraction);
            if (zeroFraction + freeFraction > 1) {
                throw new IllegalArgumentException("a fraction of " + zeroFraction + " zero and one of " + freeFraction
                        + " free are together more than 1");
            }
            if (balloonPages < 0) {
                throw new IllegalArgumentException("a balloon of " + balloonPages + " pages, expected 0 or more");
            }
        }

        private static void requireFraction(String what, double fraction) {
            if (!(fraction >= 0 && fraction <= 1)) {
                throw new IllegalArgumentException("the fraction of " + what + " pages is 0 to 1, not " + fraction);
            }
        }

        /** Whether all cold pages are in use. */
        public boolean areNone() {
            return zeroFraction == 0 && freeFraction == 0 && balloonPages == 0;
        }

        /** Zero pages among this many cold ones. */
        public long zeroOf(long pages) {
            return (long) (zeroFraction * pages);
        }

        /** Free pages among this many cold ones. */
        public long freeOf(long pages) {
            return Math.min((long) (freeFraction * pages), pages - zeroOf(pages));
        }
    }

    /** Takes pages of one kind. */
    @FunctionalInterface
    public interface RunConsumer {
        /**
         * A run.
         *
         * @param first page of guest memory
         * @param count pages
         */
        void accept(Kind kind, long first, long count);
    }

    /**
     * Pages that follow each other.
     *
     * @param first page of guest memory
     * @param count pages, at least 1
     */
    public record Run(long first, long count) {}

    private static final int PAGE_SHIFT = 12;
    /** By index. */
    private static final List<Kind> KINDS = List.of(Kind.IN_USE, Kind.ZERO, Kind.FREE, Kind.BALLOONED);

    /** The kinds that are dealt by number; pages of the first one make up the rest. */
    private static final List<Kind> DEALT = KINDS.subList(1, KINDS.size());

    /** Run lengths are 2 to the power of 0 to 10: the orders of Linux' buddy allocator. */
    private static final int LENGTHS = 11;

    /** The bytes "freepage", which keep these draws apart from the words of memory. */
    private static final long SALT = 0x6567617065657266L;

    private final long first;
    private final long[] pages = new long[KINDS.size()];

    /** Where each run ends; neighbours differ in kind. */
    private long[] ends = new long[16];

    private byte[] kinds = new byte[16];
    private int runs;

    private ColdPages(long first) {
        this.first = first;
    }

    /**
     * The pages above those of a trace.
     *
     * @param first number of the first, a page of guest memory; 0 or more
     * @param count 0 to 2^31
     * @throws IllegalArgumentException if the balloon is larger than the fractions leave
     */
    public static ColdPages of(long first, long count, Shares shares, long seed) {
        if (first < 0 || count < 0 || count > 1L << 31) {
            throw new IllegalArgumentException(count + " cold pages from page " + first);
        }
        long zero = shares.zeroOf(count);
        long free = shares.freeOf(count);
        long left = count - zero - free;
        if (shares.balloonPages() > left) {
            throw new IllegalArgumentException("a balloon of " + shares.balloonPages() + " pages, but only " + left
                    + " of the " + count + " pages that the trace does not touch are neither zero nor free");
        }
        ColdPages cold = new ColdPages(first);
        long[] toDeal = new long[KINDS.size()];
        toDeal[Kind.ZERO.index] = zero;
        toDeal[Kind.FREE.index] = free;
        toDeal[Kind.BALLOONED.index] = shares.balloonPages();
        toDeal[Kind.IN_USE.index] = left - shares.balloonPages();
        cold.deal(toDeal, count, ReplayArithmetic.mix64(seed ^ SALT));
        return cold;
    }

    private void deal(long[] toDeal, long count, long drawSeed) {
        long left = count;
        for (long run = 0; left > 0; run++) {
            long length = 1L << below(LENGTHS, drawSeed, 2 * run);
            long drawn = below(left, drawSeed, 2 * run + 1);
            Kind kind = kindAt(toDeal, drawn);
            long dealt = Math.min(length, toDeal[kind.index]);
            toDeal[kind.index] -= dealt;
            left -= dealt;
            append(kind, first + count - left);
            pages[kind.index] += dealt;
        }
    }

    /** A number from 0 to {@code limit - 1}, the limit at most 2^31. */
    private static long below(long limit, long drawSeed, long number) {
        return ((ReplayArithmetic.memoryWord(drawSeed, number) >>> 32) * limit) >>> 32;
    }

    private static Kind kindAt(long[] toDeal, long drawn) {
        long at = drawn;
        for (Kind kind : DEALT) {
            long pages = toDeal[kind.index];
            if (at < pages) {
                return kind;
            }
            at -= pages;
        }
        return Kind.IN_USE;
    }

    private void append(Kind kind, long end) {
        if (runs > 0 && kinds[runs - 1] == kind.index) {
            ends[runs - 1] = end;
            return;
        }
        if (runs == ends.length) {
            ends = Arrays.copyOf(ends, 2 * runs);
            kinds = Arrays.copyOf(kinds, 2 * runs);
        }
        ends[runs] = end;
        kinds[runs] = (byte) kind.index;
        runs++;
    }

    /** Number of the first cold page; all before it belong to the trace. */
    public long firstPage() {
        return first;
    }

    /** Pages of a kind. */
    public long count(Kind kind) {
        return pages[kind.index];
    }

    /** Every run of pages of one kind, upwards. */
    public void forEachRun(RunConsumer consumer) {
        long start = first;
        for (int i = 0; i < runs; i++) {
            consumer.accept(KINDS.get(kinds[i]), start, ends[i] - start);
            start = ends[i];
        }
    }

    /** The runs of one kind, upwards. */
    public List<Run> runs(Kind kind) {
        List<Run> found = new ArrayList<>();
        forEachRun((runKind, from, count) -> {
            if (runKind == kind) {
                found.add(new Run(from, count));
            }
        });
        return found;
    }

    /**
     * Fills a guest's memory: the trace's pages and the cold ones with the seed's content, but for zero pages, which are
     * not touched. Ballooned pages are filled, too: the host drops them later, as a guest gives away what it has used.
     */
    public void fill(ReplayMemory memory, long seed) {
        SeededMemory.fill(memory, seed, 0, first << PAGE_SHIFT);
        forEachRun((kind, from, count) -> {
            if (kind != Kind.ZERO) {
                SeededMemory.fill(memory, seed, from << PAGE_SHIFT, count << PAGE_SHIFT);
            }
        });
    }
}
