package org.userload.memory;

/**
 * Consecutive pages of one region.
 *
 * @param first index of the first page in its region, not negative
 * @param count pages, at least 1
 */
public record PageRange(long first, long count) {
    public PageRange {
        if (first < 0 || count < 1 || first > Long.MAX_VALUE - count) {
            throw new IllegalArgumentException("not a page range: " + count + " pages from page " + first);
        }
    }

    /** Index of the page after the last. */
    public long end() {
        return first + count;
    }
}
