package org.userload.migration.simulation;

import java.util.Locale;

/**
 * A guest as a model sees it: how many pages of which kind it has, and how fast it uses them. Immutable.
 *
 * @param pages all of its memory, 1 or more pages of 4 KiB
 * @param freePages those of them that are zero, and travel as runs without payload; 0 or more
 * @param workingSetPages those that it uses while it moves, none of them free; 1 or more
 * @param place where they lie
 * @param pattern in which order it uses them
 * @param writesPerSecond writes to the working set while it runs; 0 for a guest that only reads, finite
 * @param touchesPerSecond reads and writes of the working set while it runs; at least {@code writesPerSecond}, finite.
 *     Repeated accesses to a page count as one as long as the next page is not touched
 */
public record SimulatedGuest(
        long pages,
        long freePages,
        long workingSetPages,
        Place place,
        Pattern pattern,
        double writesPerSecond,
        double touchesPerSecond) {

    /** Where the working set lies in the order in which the stream sends pages. */
    public enum Place {
        /** At the lowest addresses: it is sent first. */
        FIRST,
        /** All over the memory that is not free. */
        SPREAD,
        /** Behind everything else but the free pages. */
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
        require(freePages >= 0, "there are 0 or more free pages, not " + freePages);
        require(
                freePages <= pages - workingSetPages,
                "free pages and the working set do not fit into memory together: " + freePages + " and "
                        + workingSetPages + " of " + pages + " pages");
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

    /** Pages with content. */
    public long contentPages() {
        return pages - freePages;
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
