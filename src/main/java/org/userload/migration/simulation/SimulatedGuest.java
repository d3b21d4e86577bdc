package org.userload.migration.simulation;

import java.util.Locale;

/**
 * A guest as a model sees it: how many pages of which kind it has, and how fast it uses them. Immutable.
 *
 * @param pages all of its memory, 1 or more pages of 4 KiB
 * @param idle those of them that need not travel with payload
 * @param workingSetPages those that it uses while it moves, none of them idle; 1 or more
 * @param place where they lie
 * @param pattern in which order it uses them
 * @param writesPerSecond writes to the working set while it runs; 0 for a guest that only reads, finite
 * @param touchesPerSecond reads and writes of the working set while it runs; at least {@code writesPerSecond}, finite.
 *     Repeated accesses to a page count as one as long as the next page is not touched
 */
public record SimulatedGuest(
        long pages,
        Idle idle,
        long workingSetPages,
        Place place,
        Pattern pattern,
        double writesPerSecond,
        double touchesPerSecond) {

    /**
     * Memory that the guest does not use while it moves, and that may be left out or sent as runs.
     *
     * @param zeroPages never written to: runs without payload; 0 or more
     * @param freePages used before and free, with old content: runs if the guest is asked for hints, else content; 0 or
     *     more
     * @param balloonedPages given to the host, which has dropped them: runs that nobody looks for; 0 or more
     */
    public record Idle(long zeroPages, long freePages, long balloonedPages) {
        /** All memory has content that matters. */
        public static final Idle NONE = new Idle(0, 0, 0);

        /** @throws IllegalArgumentException naming the value that is out of range */
        public Idle {
            require(zeroPages >= 0, "there are 0 or more zero pages, not " + zeroPages);
            require(freePages >= 0, "there are 0 or more free pages, not " + freePages);
            require(balloonedPages >= 0, "there are 0 or more ballooned pages, not " + balloonedPages);
        }

        /** Pages that are zero and nothing else. */
        public static Idle ofZero(long zeroPages) {
            return new Idle(zeroPages, 0, 0);
        }

        /** All of them. */
        public long pages() {
            return Math.addExact(Math.addExact(zeroPages, freePages), balloonedPages);
        }
    }

    /** Where the working set lies in the order in which the stream sends pages. */
    public enum Place {
        /** At the lowest addresses: it is sent first. */
        FIRST,
        /** All over the memory that has content. */
        SPREAD,
        /** Behind everything else that has content. */
        LAST;

        /** The name on the command line. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Which page of the working set comes next. */
    public enum Pattern {
        /** Any, with the same probability. */
        RANDOM,
        /** The next one, and behind the last the first. */
        SEQUENTIAL;

        /** The name on the command line. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Most pages: what one session can carry. */
    public static final long MAX_PAGES = 1L << 32;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public SimulatedGuest {
        require(pages >= 1 && pages <= MAX_PAGES, "memory is 1 to " + MAX_PAGES + " pages, not " + pages);
        require(
                workingSetPages >= 1 && workingSetPages <= pages,
                "the working set is 1 to all " + pages + " pages of memory, not " + workingSetPages);
        require(
                idle.pages() <= pages - workingSetPages,
                "idle pages (zero, free, ballooned) and the working set do not fit into memory together: "
                        + idle.pages() + " and " + workingSetPages + " of " + pages + " pages");
        require(
                Double.isFinite(writesPerSecond) && writesPerSecond >= 0,
                "the dirty rate is 0 or more writes per second, not " + writesPerSecond);
        require(
                Double.isFinite(touchesPerSecond) && touchesPerSecond >= writesPerSecond,
                "the touch rate is at least the dirty rate of " + writesPerSecond + " per second, not "
                        + touchesPerSecond);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /**
     * Pages whose content has to be sent.
     *
     * @param hints whether the guest is asked for its free pages
     */
    public long contentPages(boolean hints) {
        return pages - idle.zeroPages - idle.balloonedPages - (hints ? idle.freePages : 0);
    }

    /** Pages that are not sent since nobody needs what they hold. */
    public long unneededPages(boolean hints) {
        return idle.balloonedPages + (hints ? idle.freePages : 0);
    }

    /**
     * Distinct pages that it writes to in a time, as expected.
     *
     * <p>With {@code n} writes to any of {@code w} pages a page is left out with probability about {@code exp(-n/w)}.
     *
     * @param runningNanos time that it runs, not counting what it stands still
     */
    public double dirtiedIn(double runningNanos) {
        double writes = writesPerSecond * runningNanos / 1e9;
        return switch (pattern) {
            case RANDOM -> -(double) workingSetPages * Math.expm1(-writes / workingSetPages);
            case SEQUENTIAL -> Math.min(writes, (double) workingSetPages);
        };
    }
}
