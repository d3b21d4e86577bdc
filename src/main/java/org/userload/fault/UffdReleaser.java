package org.userload.fault;

import org.jspecify.annotations.Nullable;
import org.userload.linux.Mapping;
import org.userload.linux.NativeException.NativeResourceException;
import org.userload.linux.NativeMemory;
import org.userload.linux.Userfaultfd;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Takes back pages that the guest has released.
 *
 * <p>A page that is missing becomes a known zero page. One that is here is dropped; but a Java thread may have found its
 * received bit set and be about to access it, and must never fault in the userfaultfd. So its registration is ended first:
 * from then on it is ordinary memory, a zero page when it is touched, and its received bit holds for ever.
 *
 * <p>Each run of ordinary pages splits a mapping. Beyond {@link #MAX_ORDINARY_RUNS} of them pages are zeroed in place; then
 * only their memory is not given back.
 *
 * <p><b>Threads.</b> One at a time, not the fault loop.
 */
final class UffdReleaser {
    /**
     * Runs of ordinary memory between registered memory. Each costs up to two more mappings of a process that may have 65530
     * (vm.max_map_count, unless configured otherwise): an eighth, since the rest is the JVM's.
     */
    static final int MAX_ORDINARY_RUNS = 4096;

    private final Userfaultfd uffd;
    private final KnownPages known;
    private final UffdInstaller installer;
    private final InstallGate gate;

    /** Pages that are not registered any more; made for the first of them. */
    private final @Nullable AtomicBitmap[] ordinary;

    private int runs;

    UffdReleaser(Userfaultfd uffd, KnownPages known, UffdInstaller installer, InstallGate gate, GuestMemory memory) {
        this.uffd = uffd;
        this.known = known;
        this.installer = installer;
        this.gate = gate;
        this.ordinary = new @Nullable AtomicBitmap[memory.regionCount()];
    }

    /**
     * @param check throws when the session is over; called with the gate shut
     */
    Released release(MemoryRegion region, long first, long count, Runnable check) {
        AtomicBitmap free = ordinary(region);
        long end = first + count;
        long missing;
        gate.shut();
        try {
            check.run();
            long page = first;
            while (page < end) {
                long settledEnd = known.nextMissing(region, page, end);
                makeOrdinary(region, free, page, settledEnd);
                page = known.endOfMissing(region, settledEnd, end);
            }
            missing = known.mark(region, first, count, false);
            known.makeZero(region, first, count);
        } finally {
            gate.open();
        }
        if (missing > 0) {
            uffd.wake(region.hostAddressOf(first), count << region.pageShift());
        }
        return new Released(missing, drop(region, free, first, end), zero(region, free, first, end));
    }

    private AtomicBitmap ordinary(MemoryRegion region) {
        AtomicBitmap pages = ordinary[region.index()];
        if (pages == null) {
            pages = new AtomicBitmap(region.pageCount());
            ordinary[region.index()] = pages;
        }
        return pages;
    }

    /** Ends the registration of these pages, as far as there may be more mappings, and only then calls them received. */
    private void makeOrdinary(MemoryRegion region, AtomicBitmap free, long first, long end) {
        for (long page = free.nextClear(first, end); page < end; page = free.nextClear(page, end)) {
            long stop = free.nextSet(page, end);
            boolean joinsBefore = page > 0 && free.get(page - 1);
            boolean joinsAfter = stop < region.pageCount() && free.get(stop);
            int more = 1 - (joinsBefore ? 1 : 0) - (joinsAfter ? 1 : 0);
            if (runs + more <= MAX_ORDINARY_RUNS && unregister(region, page, stop)) {
                runs += more;
                free.set(page, stop - page);
                region.received().set(page, stop - page);
            }
            page = stop;
        }
    }

    /** False when there are too many mappings already. */
    private boolean unregister(MemoryRegion region, long first, long end) {
        try {
            uffd.unregister(region.hostAddressOf(first), (end - first) << region.pageShift());
            return true;
        } catch (NativeResourceException e) {
            return false;
        }
    }

    private static long drop(MemoryRegion region, AtomicBitmap free, long first, long end) {
        long dropped = 0;
        for (long page = free.nextSet(first, end); page < end; page = free.nextSet(page, end)) {
            long stop = free.nextClear(page, end);
            Mapping.discard(region.hostAddressOf(page), (stop - page) << region.pageShift());
            dropped += stop - page;
            page = stop;
        }
        return dropped;
    }

    /** Pages that are here and stay registered. Native code may touch them. */
    private long zero(MemoryRegion region, AtomicBitmap free, long first, long end) {
        long zeroed = 0;
        for (long page = free.nextClear(first, end); page < end; page = free.nextClear(page + 1, end)) {
            boolean removed = known.isRemoved(region, page);
            if (removed) {
                installer.serve(region, page);
            }
            if (removed || region.received().get(page)) {
                NativeMemory.zero(region.hostAddressOf(page), 1L << region.pageShift());
                zeroed++;
            }
        }
        return zeroed;
    }
}
