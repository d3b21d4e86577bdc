package org.userload.dirty;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.linux.NativeException;
import org.userload.linux.PagemapScan;
import org.userload.linux.SoftDirty;
import org.userload.memory.GuestMemory;

/** Opens dirty page trackers. */
public final class DirtyTrackers {
    private static final Logger LOG = LoggerFactory.getLogger(DirtyTrackers.class);

    /** What makes the kernel's tracking available, for people. */
    public static final String FIX =
            "it needs Linux 6.7 or later with CONFIG_USERFAULTFD and CONFIG_PROC_PAGE_MONITOR, and"
                    + " the right to open a userfaultfd, at least for faults of user mode";

    private DirtyTrackers() {}

    /**
     * Opens a tracker for a memory that is present, whether from the beginning or because its paging is complete. The
     * caller closes it before the memory.
     *
     * <p>Soft-dirty bits are refused on every kernel. They are read by one call and cleared by another, so a write in
     * between is cleared unread. That cannot be repaired without stopping the writers, which a tracker must not need.
     *
     * @throws IllegalStateException when the tracker cannot be had; the message says why and what to do
     */
    public static DirtyTracker open(GuestMemory memory, TrackerChoice choice) {
        return switch (choice) {
            case AUTO -> openBest(memory);
            case UFFD_WP -> {
                try {
                    yield UffdWriteTracker.open(memory, PagemapScan.MAX_RUNS);
                } catch (NativeException e) {
                    throw new IllegalStateException("uffd-wp cannot be used: " + e.getMessage() + "; " + FIX, e);
                }
            }
            case ACCESS_LAYER -> openAccessLayer(memory);
            case SOFT_DIRTY -> throw softDirtyRefused(SoftDirty.works());
        };
    }

    private static DirtyTracker openBest(GuestMemory memory) {
        try {
            return UffdWriteTracker.open(memory, PagemapScan.MAX_RUNS);
        } catch (NativeException e) {
            LOG.warn(
                    "tracking written pages in the page-access layer, which does not see writes by native code, since"
                            + " uffd-wp cannot be used: {}; {}",
                    e.getMessage(),
                    FIX);
            return openAccessLayer(memory);
        }
    }

    private static DirtyTracker openAccessLayer(GuestMemory memory) {
        try {
            return AccessLayerTracker.open(memory);
        } catch (NativeException e) {
            throw new IllegalStateException(
                    "access-layer cannot be used: " + e.getMessage()
                            + "; it needs Linux 4.14 or later and a sandbox that permits membarrier(2)",
                    e);
        }
    }

    static IllegalStateException softDirtyRefused(boolean kernelHasIt) {
        String why = kernelHasIt
                ? "the kernel reads and clears the bits in two calls, and a write in between would be lost"
                : "this kernel does not set the bits (it is built without CONFIG_MEM_SOFT_DIRTY)";
        return new IllegalStateException("soft-dirty cannot be used: " + why + "; use uffd-wp or access-layer");
    }
}
