package org.userload.fault;

import io.netty.channel.IoEventLoop;
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
    private Runnable readEvents = () -> {};

    UffdInstaller(Userfaultfd uffd, RemovedPages removed, IoEventLoop faultLoop) {
        this.uffd = uffd;
        this.removed = removed;
        this.faultLoop = faultLoop;
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

    /** The page came between the fault and its event, or its user dropped it: then it is a zero page. */
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
            while (page < end) {
                long outcome = installRun(region, page, end, source + ((page - firstPage) << shift), zero);
                if (outcome == InstallOutcome.MAPPING_IS_CHANGING) {
                    awaitMappingChange();
                } else if (outcome == InstallOutcome.NEXT_IS_PRESENT) {
                    page++;
                } else {
                    long done = outcome >> shift;
                    installed += region.received().set(page, done);
                    page += done;
                }
                page = removed.nextMissing(region, page, end);
            }
        } catch (NativeGoneException e) {
            // Unregistered meanwhile: the session is complete or closed, and these pages are not needed.
            return (int) installed;
        }
        return (int) installed;
    }

    private long installRun(MemoryRegion region, long page, long end, long source, boolean zero) {
        if (!removed.isTracked()) {
            return installOnce(region, page, removed.endOfMissing(region, page, end), source, zero);
        }
        removed.gate().enter();
        try {
            if (removed.contains(region, page)) {
                return InstallOutcome.NEXT_IS_PRESENT;
            }
            return installOnce(region, page, removed.endOfMissing(region, page, end), source, zero);
        } finally {
            removed.gate().leave();
        }
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
