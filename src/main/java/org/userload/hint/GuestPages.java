package org.userload.hint;

import java.util.List;
import org.userload.memory.RegionTable;

/**
 * Pages of a guest's address space, numbered by guest address, and where they lie in its regions.
 *
 * <p>Immutable; any thread.
 */
final class GuestPages {
    private final long[] firsts;
    private final long[] ends;

    /** @throws IllegalArgumentException when a region reaches beyond the largest address space, 2^36 pages */
    GuestPages(RegionTable table) {
        List<RegionTable.Entry> entries = table.entries();
        int shift = table.pageSize().shift();
        firsts = new long[entries.size()];
        ends = new long[entries.size()];
        for (int i = 0; i < firsts.length; i++) {
            firsts[i] = entries.get(i).guestAddress() >>> shift;
            ends[i] = firsts[i] + entries.get(i).pageCount();
        }
        if (end() > RangeSet.MOST_PAGES) {
            throw new IllegalArgumentException(
                    "memory ends at page " + end() + ", beyond the largest address space of " + RangeSet.MOST_PAGES);
        }
    }

    /** The page after the last one. */
    long end() {
        return ends[ends.length - 1];
    }

    int regions() {
        return firsts.length;
    }

    long first(int region) {
        return firsts[region];
    }

    long end(int region) {
        return ends[region];
    }

    /** Whether all of these pages, at least one, lie in regions. */
    boolean contain(long first, long count) {
        long at = first;
        for (int i = 0; i < firsts.length && at < first + count; i++) {
            if (firsts[i] <= at && at < ends[i]) {
                at = ends[i];
            }
        }
        return first >= 0 && at >= first + count;
    }

    /** Gives the parts of a range that lie in regions, as pages of these. */
    void forEach(long first, long end, ChangedPages pages) {
        for (int i = regionAt(first); i < firsts.length && firsts[i] < end; i++) {
            long from = Math.max(first, firsts[i]);
            long to = Math.min(end, ends[i]);
            if (from < to) {
                pages.changed(i, from - firsts[i], to - from);
            }
        }
    }

    /** The first region that ends behind a page. */
    private int regionAt(long page) {
        int low = 0;
        int high = ends.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ends[middle] <= page) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
