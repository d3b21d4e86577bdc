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
    private final RemovedPages removed;
    private final IoEventLoop faultLoop;
    private final BooleanSupplier isActive;
    private Runnable readEvents = () -> {};

    /** @param isActive whether pages are still wanted; when not, an install ends early */
    UffdInstaller(Userfaultfd uffd, RemovedPages removed, IoEventLoop faultLoop, BooleanSupplier isActive) {
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
        long page = removed.nextMissing(region, firstPage, end);
        try {
            while (page < end && isActive.getAsBoolean()) {
                long bytesFrom = source + ((page - firstPage) << shift);
                long outcome;
                // The bit is set inside the gate, too: set after a remove of the page was applied, it would call a page
                // present that is gone, and count it twice.
                enterGate();
                try {
                    outcome = installRun(region, page, end, bytesFrom, zero);
                    if (outcome > 0) {
                        installed += region.received().set(page, outcome >> shift);
                    }
                } finally {
                    leaveGate();
                }
                if (outcome == InstallOutcome.MAPPING_IS_CHANGING) {
                    awaitMappingChange();
                } else if (outcome == InstallOutcome.NEXT_IS_PRESENT) {
                    page++;
                } else {
                    page += outcome >> shift;
                }
                page = removed.nextMissing(region, page, end);
            }
        } catch (NativeGoneException e) {
            // Unregistered meanwhile: the session is complete or closed, and these pages are not needed.
            return (int) installed;
        }
        return (int) installed;
    }

    private void enterGate() {
        if (removed.isTracked()) {
            removed.gate().enter();
        }
    }

    private void leaveGate() {
        if (removed.isTracked()) {
            removed.gate().leave();
        }
    }

    private long installRun(MemoryRegion region, long page, long end, long source, boolean zero) {
        if (removed.contains(region, page)) {
            return InstallOutcome.NEXT_IS_PRESENT;
        }
        return installOnce(region, page, removed.endOfMissing(region, page, end), source, zero);
    }

    private long installOnce(MemoryRegion region, long page, long stop, long source, boolean zero) {
        long target = region.hostAddressOf(page);
        long bytes = Math.max(stop - page, 1) << region.pageShift();
        return zero ? uffd.zeroPage(target, bytes) : uffd.copy(target, source, bytes);
    }

    private void awaitMappingChange() {
        if (faultLoop.inEventLoop()) {
            readEvents.run();
        } else {
            Thread.onSpinWait();
        }
    }
}
