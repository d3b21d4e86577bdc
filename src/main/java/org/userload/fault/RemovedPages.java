package org.userload.fault;

import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Pages that their user has dropped since the session began: zero pages now, never to be filled from the source.
 *
 * <p>A removed page does not count as received until the session is complete, not even once it was touched and is a zero
 * page: it may be dropped again at any moment, and a Java thread that took the received bit for its word would fault in
 * Java code.
 *
 * <p>Marked on the fault loop while the {@link InstallGate} is shut; read by installers inside the gate. An untracked
 * instance has no pages and costs nothing.
 */
final class RemovedPages {
    private static final AtomicBitmap[] NONE = {};

    private final AtomicBitmap[] byRegion;

    private RemovedPages(AtomicBitmap[] byRegion) {
        this.byRegion = byRegion;
    }

    static RemovedPages untracked() {
        return new RemovedPages(NONE);
    }

    static RemovedPages tracked(GuestMemory memory) {
        AtomicBitmap[] byRegion = new AtomicBitmap[memory.regionCount()];
        for (int i = 0; i < byRegion.length; i++) {
            byRegion[i] = new AtomicBitmap(memory.region(i).pageCount());
        }
        return new RemovedPages(byRegion);
    }

    boolean isTracked() {
        return byRegion.length > 0;
    }

    boolean contains(MemoryRegion region, long page) {
        return isTracked() && byRegion[region.index()].get(page);
    }

    /** Marks pages, for good; gives how many of them were neither received nor removed before. */
    long mark(MemoryRegion region, long first, long count) {
        long newlyRemoved = byRegion[region.index()].set(first, count);
        long wereReceived = region.received().clear(first, count);
        return newlyRemoved - wereReceived;
    }

    /** First page from {@code page} on that is neither received nor removed, or {@code end}. */
    long nextMissing(MemoryRegion region, long page, long end) {
        AtomicBitmap received = region.received();
        long next = received.nextClear(page, end);
        if (isTracked()) {
            while (next < end && byRegion[region.index()].get(next)) {
                next = received.nextClear(next + 1, end);
            }
        }
        return next;
    }

    /** The end of the run of missing pages that starts at {@code page}. */
    long endOfMissing(MemoryRegion region, long page, long end) {
        long stop = region.received().nextSet(page, end);
        return isTracked() ? byRegion[region.index()].nextSet(page, stop) : stop;
    }
}
