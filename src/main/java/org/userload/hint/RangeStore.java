package org.userload.hint;

/**
 * Pages of a set, in one of two forms: a few ranges, or chunks found by index.
 *
 * <p>A store may be read while it is being changed: such a reader gets anything between the old and the new content, but
 * no exception and no endless loop. So its arrays are final and each count is held within them. {@link RangeSet} throws
 * away what was read that way.
 */
sealed interface RangeStore permits FewRanges, ChunkedRanges {
    /** Adds the pages from {@code first} to before {@code end}; gives the store that now holds the set. */
    RangeStore add(long first, long end);

    /** Removes the pages from {@code first} to before {@code end}; gives the store that now holds the set. */
    RangeStore remove(long first, long end);

    /** The first page of the set from {@code from} on and before {@code limit}, or {@code limit}. */
    long nextSet(long from, long limit);

    /** The first page not in the set from {@code from} on and before {@code limit}, or {@code limit}. */
    long nextClear(long from, long limit);

    long pages();

    long ranges();

    /** Same content, shares nothing. */
    RangeStore copy();
}
