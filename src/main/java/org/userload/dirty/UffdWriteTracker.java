package org.userload.dirty;

import org.userload.linux.Errno;
import org.userload.linux.NativeException;
import org.userload.linux.PagemapScan;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Dirty pages by the kernel: asynchronous write protection of a userfaultfd, read and renewed by {@code PAGEMAP_SCAN}
 * (Linux 6.7; {@code Documentation/admin-guide/mm/userfaultfd.rst} and {@code pagemap.rst}).
 *
 * <p>A first write to a protected page faults; the kernel takes the protection away and the thread goes on, with no
 * message to anyone. Further writes to the page cost nothing until the next {@code collect}. Sees every writer of this
 * process: Java, native code, system calls, virtual CPUs.
 *
 * <p><b>Order.</b> See {@link PagemapScan}: report and protection are one step for each page.
 *
 * <p><b>Huge pages.</b> {@code start} protects a transparent huge page as a whole; the first write to it splits its
 * mapping, and from then on its 4 KiB pages are told apart. Pages that are not populated are protected too, for 8 bytes
 * of page table each; a read then maps the zero page and does not count as a write.
 *
 * <p><b>Windows.</b> Protection and scan go through a region in windows, so that the lock on the address space is never
 * held for long.
 */
final class UffdWriteTracker implements DirtyTracker {
    /** 65536 host pages of 4 KiB, some 100 us of scan when nothing was written. */
    private static final long WINDOW_BYTES = 256L << 20;

    private final GuestMemory memory;
    private final Userfaultfd uffd;
    private final PagemapScan scan;
    private TrackerState state = TrackerState.OPEN;

    private UffdWriteTracker(GuestMemory memory, Userfaultfd uffd, PagemapScan scan) {
        this.memory = memory;
        this.uffd = uffd;
        this.scan = scan;
    }

    /**
     * Opens the descriptors; the memory is not changed yet.
     *
     * <p>A userfaultfd for faults of user mode is enough: asynchronous protection delivers no fault, and writes by the
     * kernel are seen all the same.
     *
     * @param runs length of the scan's vector
     * @throws NativeException when the kernel does not permit or support it
     */
    static UffdWriteTracker open(GuestMemory memory, int runs) {
        Userfaultfd uffd = Userfaultfd.builder()
                .require(UffdFeature.WP_ASYNC)
                .require(UffdFeature.WP_UNPOPULATED)
                .allowUserModeOnly()
                .open();
        try {
            return new UffdWriteTracker(memory, uffd, PagemapScan.open(runs));
        } catch (RuntimeException e) {
            uffd.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return "uffd-wp";
    }

    @Override
    public boolean seesNativeWrites() {
        return true;
    }

    @Override
    public void start() {
        state.require(TrackerState.OPEN, "started");
        int registered = 0;
        try {
            for (; registered < memory.regionCount(); registered++) {
                MemoryRegion region = memory.region(registered);
                uffd.registerForWrites(region.hostAddress(), region.sizeBytes());
            }
            for (int i = 0; i < memory.regionCount(); i++) {
                protect(memory.region(i));
            }
        } catch (NativeException e) {
            unregister(registered);
            throw e.errno() == Errno.EBUSY ? stillPaged(e) : e;
        }
        state = TrackerState.STARTED;
    }

    private static IllegalStateException stillPaged(NativeException e) {
        return new IllegalStateException(
                "writes cannot be tracked, since another userfaultfd has the memory (" + e.getMessage()
                        + "); wait until its paging or tracking has ended",
                e);
    }

    private void protect(MemoryRegion region) {
        long end = region.hostAddress() + region.sizeBytes();
        for (long at = region.hostAddress(); at < end; at += WINDOW_BYTES) {
            uffd.writeProtect(at, Math.min(WINDOW_BYTES, end - at));
        }
    }

    @Override
    public void collect(DirtySink sink) {
        state.require(TrackerState.STARTED, "collected from");
        for (int i = 0; i < memory.regionCount(); i++) {
            collect(memory.region(i), sink);
        }
    }

    /** A guest page may be larger than a host page: its runs then meet, and it is reported once. */
    private void collect(MemoryRegion region, DirtySink sink) {
        long base = region.hostAddress();
        long end = base + region.sizeBytes();
        int shift = region.pageShift();
        long pageMask = (1L << shift) - 1;
        long reported = 0;
        long at = base;
        while (at < end) {
            int runs = scan.take(at, Math.min(at + WINDOW_BYTES, end));
            for (int run = 0; run < runs; run++) {
                long first = Math.max((scan.runStart(run) - base) >>> shift, reported);
                long after = (scan.runEnd(run) - base + pageMask) >>> shift;
                if (after > first) {
                    sink.dirty(region.index(), first, after - first);
                    reported = after;
                }
            }
            at = scan.walkEnd();
        }
    }

    private void unregister(int regions) {
        for (int i = 0; i < regions; i++) {
            MemoryRegion region = memory.region(i);
            uffd.unregister(region.hostAddress(), region.sizeBytes());
        }
    }

    @Override
    public void close() {
        if (state == TrackerState.CLOSED) {
            return;
        }
        boolean started = state == TrackerState.STARTED;
        state = TrackerState.CLOSED;
        try {
            if (started) {
                unregister(memory.regionCount());
            }
        } finally {
            scan.close();
            uffd.close();
        }
    }
}
