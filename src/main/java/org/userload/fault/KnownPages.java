package org.userload.fault;

import java.util.Arrays;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Pages whose content is known without the source, and which are not put in place before somebody needs them: zero pages,
 * pages filled with the pattern of the guest's free memory, and pages that their user has dropped (removed: zero pages).
 * A page that is neither received nor known is missing.
 *
 * <p>A mark stays when its page is put in place; then the page is received, too. Removed pages alone do not count as
 * received until the session is complete, not even once they were touched: they may be dropped again at any moment, and a
 * Java thread that took the received bit for its word would fault in Java code.
 *
 * <p><b>Threads.</b> Marked while the {@link InstallGate} is shut, so that no page gets its mark and an install at once; read
 * by installers inside the gate. In rounds marks are also taken back, by the stream loop alone. Costs 2 bits a page, 3 when
 * removals are tracked.
 */
final class KnownPages {
    private static final AtomicBitmap[] NONE = {};

    private final AtomicBitmap[] zero;
    private final AtomicBitmap[] patterned;
    private final AtomicBitmap[] removed;

    /** While no page has been marked with the pattern, its bits need not be looked at. */
    private volatile boolean anyPatterned;

    private volatile boolean anyMarked;

    KnownPages(GuestMemory memory, boolean trackRemovals) {
        zero = bitmaps(memory);
        patterned = bitmaps(memory);
        removed = trackRemovals ? bitmaps(memory) : NONE;
        anyMarked = trackRemovals;
    }

    private static AtomicBitmap[] bitmaps(GuestMemory memory) {
        AtomicBitmap[] byRegion = new AtomicBitmap[memory.regionCount()];
        Arrays.setAll(byRegion, region -> new AtomicBitmap(memory.region(region).pageCount()));
        return byRegion;
    }

    boolean tracksRemovals() {
        return removed.length > 0;
    }

    /** Whether a page may be known that is not received. */
    boolean isUsed() {
        return anyMarked;
    }

    boolean contains(MemoryRegion region, long page) {
        int index = region.index();
        return zero[index].get(page) || (anyPatterned && patterned[index].get(page)) || isRemoved(region, page);
    }

    boolean isRemoved(MemoryRegion region, long page) {
        return tracksRemovals() && removed[region.index()].get(page);
    }

    /** Whether a known page holds the pattern, and not zeros. */
    boolean isPatterned(MemoryRegion region, long page) {
        return anyPatterned && patterned[region.index()].get(page) && !isRemoved(region, page);
    }

    /** Marks those of the pages that are missing; gives how many they are. */
    long mark(MemoryRegion region, long first, long count, boolean asPatterned) {
        anyMarked = true;
        anyPatterned |= asPatterned;
        AtomicBitmap marks = asPatterned ? patterned[region.index()] : zero[region.index()];
        long marked = 0;
        long end = first + count;
        for (long page = nextMissing(region, first, end); page < end; page = nextMissing(region, page, end)) {
            long stop = endOfMissing(region, page, end);
            marked += marks.set(page, stop - page);
            page = stop;
        }
        return marked;
    }

    /** Marks pages that were dropped, for good; gives how many of them were missing. */
    long remove(MemoryRegion region, long first, long count) {
        long missing = missing(region, first, count);
        removed[region.index()].set(first, count);
        region.received().clear(first, count);
        return missing;
    }

    /** Pages of which none is missing hold zeros from now on, also those that held the pattern. */
    void makeZero(MemoryRegion region, long first, long count) {
        if (anyPatterned) {
            zero[region.index()].set(first, count);
            patterned[region.index()].clear(first, count);
        }
    }

    /** Makes pages missing again, received or known; removed ones stay as they are. Gives how many were not missing before. */
    long forget(MemoryRegion region, long first, long count) {
        long settled = count - missing(region, first, count) - removedAmong(region, first, count);
        region.received().clear(first, count);
        clearMarks(region, first, count);
        return settled;
    }

    /** As {@link #forget}, but received pages stay received. */
    long forgetUnlessReceived(MemoryRegion region, long first, long count) {
        if (!anyMarked) {
            return 0;
        }
        long notReceived = count - region.received().cardinality(first, count);
        long known = notReceived - missing(region, first, count) - removedAmong(region, first, count);
        clearMarks(region, first, count);
        return known;
    }

    private void clearMarks(MemoryRegion region, long first, long count) {
        zero[region.index()].clear(first, count);
        patterned[region.index()].clear(first, count);
    }

    /** Removed pages are never received before the end. */
    private long removedAmong(MemoryRegion region, long first, long count) {
        return tracksRemovals() ? removed[region.index()].cardinality(first, count) : 0;
    }

    private long missing(MemoryRegion region, long first, long count) {
        long missing = 0;
        long end = first + count;
        for (long page = nextMissing(region, first, end); page < end; page = nextMissing(region, page, end)) {
            long stop = endOfMissing(region, page, end);
            missing += stop - page;
            page = stop;
        }
        return missing;
    }

    /** First page from {@code page} on that is missing, or {@code end}. */
    long nextMissing(MemoryRegion region, long page, long end) {
        int index = region.index();
        long next = page;
        while (true) {
            long from = next;
            next = zero[index].nextClear(next, end);
            if (anyPatterned) {
                next = patterned[index].nextClear(next, end);
            }
            if (tracksRemovals()) {
                next = removed[index].nextClear(next, end);
            }
            next = region.received().nextClear(next, end);
            if (next == from || next >= end) {
                return next;
            }
        }
    }

    /** The end of the run of missing pages from {@code page} on; {@code page} itself when it is not missing. */
    long endOfMissing(MemoryRegion region, long page, long end) {
        int index = region.index();
        long stop = region.received().nextSet(page, end);
        stop = zero[index].nextSet(page, stop);
        if (anyPatterned) {
            stop = patterned[index].nextSet(page, stop);
        }
        return tracksRemovals() ? removed[index].nextSet(page, stop) : stop;
    }

    /** First page from {@code page} on that holds the pattern and is not in place, or {@code end}. */
    long nextToFill(MemoryRegion region, long page, long end) {
        if (!anyPatterned) {
            return end;
        }
        long next = page;
        while (true) {
            next = patterned[region.index()].nextSet(next, end);
            if (next >= end || (!region.received().get(next) && !isRemoved(region, next))) {
                return next;
            }
            next++;
        }
    }

    /** The end of the run of such pages from {@code page} on; {@code page} itself when it is none. */
    long endOfFill(MemoryRegion region, long page, long end) {
        long stop = patterned[region.index()].nextClear(page, end);
        stop = region.received().nextSet(page, stop);
        return tracksRemovals() ? removed[region.index()].nextSet(page, stop) : stop;
    }
}
