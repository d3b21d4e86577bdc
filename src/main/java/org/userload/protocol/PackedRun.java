package org.userload.protocol;

/**
 * A run of up to {@link PageRuns#MAX_PREFERRED_PAGES} pages in one {@code long}, for queues of many:
 *
 * <pre>
 *  57       45            13       0
 *  +--------+-------------+--------+
 *  | region | first page  | count  |
 *  +--------+-------------+--------+
 * </pre>
 */
public final class PackedRun {
    private static final int COUNT_BITS = 13;
    private static final int PAGE_BITS = 32;
    private static final int REGION_SHIFT = COUNT_BITS + PAGE_BITS;
    private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;
    private static final long PAGE_MASK = (1L << PAGE_BITS) - 1;

    private PackedRun() {}

    /** Puts a run together; nothing is checked. */
    public static long of(int region, long firstPage, int count) {
        return ((long) region << REGION_SHIFT) | (firstPage << COUNT_BITS) | count;
    }

    public static int region(long run) {
        return (int) (run >>> REGION_SHIFT);
    }

    public static long first(long run) {
        return (run >>> COUNT_BITS) & PAGE_MASK;
    }

    public static int count(long run) {
        return (int) (run & COUNT_MASK);
    }

    /** The page behind the last. */
    public static long end(long run) {
        return first(run) + count(run);
    }
}
