package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.function.BooleanSupplier;
import org.userload.linux.InstallOutcome;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.Userfaultfd;
import org.userload.memory.MemoryRegion;

/**
 * Installs runs of pages through a userfaultfd, only where they are still missing. The kernel decides who is first; the
 * received bit is set right after. Any loop may install.
 */
final class UffdInstaller {
    private final Userfaultfd uffd;
    /** The range lies in more than one mapping: go page by page. */
    private static final long CROSSES_MAPPINGS = -3;

    private final RemovedPages removed;
    private final InstallGate gate;
    private final IoEventLoop faultLoop;
    private final BooleanSupplier isActive;
    private Runnable readEvents = () -> {};

    /**
     * @param gate shut while no install may be under way
     * @param isActive whether pages are still wanted; when not, an install ends early
     */
    UffdInstaller(
            Userfaultfd uffd, RemovedPages removed, InstallGate gate, IoEventLoop faultLoop, BooleanSupplier isActive) {
        this.gate = gate;
        this.uffd = uffd;
        this.removed = removed;
        this.faultLoop = faultLoop;
        this.isActive = isActive;
    }

    /** What to run on the fault loop when the kernel refuses installs until its events are read. */
    void whenMappingChanges(Runnable read) {
        this.readEvents = read;
    }

    int copy(MemoryRegion region, long firstPage, int count, long source) {
        return install(region, firstPage, count, source, false);
    }

    int zero(MemoryRegion region, long firstPage, int count) {
        return install(region, firstPage, count, 0, true);
    }

    /**
     * The page came between the fault and its event, or its user dropped it: then it is a zero page. Whoever waits is
     * woken in any case; when the mapping was changing it faults again.
     */
    void wakeOrZero(MemoryRegion region, long page) {
        long address = region.hostAddressOf(page);
        long bytes = 1L << region.pageShift();
        if (uffd.zeroPage(address, bytes) != bytes) {
            uffd.wake(address, bytes);
        }
    }

    private int install(MemoryRegion region, long firstPage, int count, long source, boolean zero) {
        int shift = region.pageShift();
        long end = firstPage + count;
        long installed = 0;
        long longestRun = count;
        long page = removed.nextMissing(region, firstPage, end);
        while (page < end && isActive.getAsBoolean()) {
            long runEnd = Math.min(end, page + longestRun);
            long outcome = installRun(region, page, runEnd, source + ((page - firstPage) << shift), zero);
            if (outcome > 0) {
                installed += outcome >> shift;
                page += outcome >> shift;
            } else if (outcome == InstallOutcome.NEXT_IS_PRESENT) {
                page++;
            } else if (outcome == InstallOutcome.MAPPING_IS_CHANGING) {
                awaitMappingChange();
            } else {
                longestRun = 1;
            }
            page = removed.nextMissing(region, page, end);
        }
        return (int) installed;
    }

    /**
     * One system call for the missing pages from {@code page} on, and their received bits. The bits are set inside the gate,
     * too: set after a remove of the page was applied, they would call a page present that is gone, and count it twice.
     *
     * @return as {@link InstallOutcome}, or {@link #CROSSES_MAPPINGS}
     */
    private long installRun(MemoryRegion region, long page, long end, long source, boolean zero) {
        gate.enter();
        try {
            if (!isActive.getAsBoolean() || removed.contains(region, page)) {
                return InstallOutcome.NEXT_IS_PRESENT;
            }
            long stop = Math.max(removed.endOfMissing(region, page, end), page + 1);
            long outcome = installOnce(region, page, stop, source, zero);
            if (outcome > 0) {
                region.received().set(page, outcome >> region.pageShift());
            }
            return outcome;
        } finally {
            gate.leave();
        }
    }

    private long installOnce(MemoryRegion region, long page, long stop, long source, boolean zero) {
        long target = region.hostAddressOf(page);
        long bytes = (stop - page) << region.pageShift();
        try {
            return zero ? uffd.zeroPage(target, bytes) : uffd.copy(target, source, bytes);
        } catch (NativeGoneException e) {
            if (!isActive.getAsBoolean()) {
                // Unregistered meanwhile: the session is complete or closed, and these pages are not needed.
                return InstallOutcome.NEXT_IS_PRESENT;
            }
            if (stop - page > 1) {
                // An madvise or mlock of a part has split the mapping, and one call does not cross the border.
                return CROSSES_MAPPINGS;
            }
            throw e;
        }
    }

    private void awaitMappingChange() {
        if (faultLoop.inEventLoop()) {
            readEvents.run();
        } else {
            Thread.onSpinWait();
        }
    }
}
