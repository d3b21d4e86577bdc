package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.function.BooleanSupplier;
import org.userload.linux.InstallOutcome;
import org.userload.linux.NativeException;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.Userfaultfd;
import org.userload.memory.MemoryRegion;

/**
 * Installs runs of pages through a userfaultfd, only where they are still missing, and known pages where they are needed.
 * The kernel decides who is first; the received bit is set right after. Any loop may install.
 */
final class UffdInstaller {
    /** The range lies in more than one mapping: go page by page. */
    private static final long CROSSES_MAPPINGS = -3;

    /** After so many refusals in a row moving is given up. */
    private static final int MOST_REFUSALS = 16;

    private final Userfaultfd uffd;
    private final KnownPages known;
    private final PatternPages pattern;
    private final InstallGate gate;
    private final IoEventLoop faultLoop;
    private final BooleanSupplier isActive;
    private Runnable readEvents = () -> {};

    /** Moves that the kernel refused, since the last that it did not. Stream loop. */
    private int refusals;

    /**
     * @param gate shut while no install may be under way
     * @param isActive whether pages are still wanted; when not, an install ends early
     */
    UffdInstaller(
            Userfaultfd uffd,
            KnownPages known,
            PatternPages pattern,
            InstallGate gate,
            IoEventLoop faultLoop,
            BooleanSupplier isActive) {
        this.gate = gate;
        this.uffd = uffd;
        this.known = known;
        this.pattern = pattern;
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

    /**
     * Moves the memory of a whole run into place, if all of it is missing. The kernel stops where somebody else was faster,
     * or refuses; then the rest is to be copied: it is still where it was.
     *
     * @return how many pages were moved, from the first on
     */
    int move(MemoryRegion region, long firstPage, int count, long source) {
        if (refusals >= MOST_REFUSALS) {
            return 0;
        }
        gate.enter();
        try {
            long end = firstPage + count;
            if (!isActive.getAsBoolean() || known.endOfMissing(region, firstPage, end) < end) {
                return 0;
            }
            long outcome = moveOnce(region.hostAddressOf(firstPage), source, (long) count << region.pageShift());
            if (outcome <= 0) {
                return 0;
            }
            refusals = 0;
            region.received().set(firstPage, outcome >> region.pageShift());
            return (int) (outcome >> region.pageShift());
        } finally {
            gate.leave();
        }
    }

    /** Whatever the reason of a refusal: if it is one for copies, too, these find out. */
    private long moveOnce(long target, long source, long bytes) {
        try {
            return uffd.move(target, source, bytes);
        } catch (NativeException e) {
            refusals++;
            return 0;
        }
    }

    int zero(MemoryRegion region, long firstPage, int count) {
        return install(region, firstPage, count, 0, true);
    }

    /** Installs copies of the pattern's pages. */
    int pattern(MemoryRegion region, long firstPage, int count) {
        int installed = 0;
        for (int i = 0; i < count; i += PatternPages.PAGES) {
            int piece = Math.min(PatternPages.PAGES, count - i);
            installed += install(region, firstPage + i, piece, pattern.address(), false);
        }
        return installed;
    }

    /**
     * Somebody waits for a page that needs no source: it came between the fault and its event, or it is known. Whoever waits
     * is woken in any case; when the mapping was changing it faults again.
     */
    void serve(MemoryRegion region, long page) {
        if (installKnown(region, page, page + 1) <= 0) {
            uffd.wake(region.hostAddressOf(page), 1L << region.pageShift());
        }
    }

    /**
     * Puts pages in place that hold the pattern and are not there.
     *
     * @param most pages at least after which it stops
     * @return where it stopped: every such page before is in place; the number of pages of the region when all are
     */
    long fill(MemoryRegion region, long from, int most) {
        long limit = region.pageCount();
        long stopAfter = most;
        int longestRun = PatternPages.PAGES;
        long page = known.nextToFill(region, from, limit);
        while (page < limit && stopAfter > 0) {
            long outcome = installKnown(region, page, Math.min(limit, page + longestRun));
            if (outcome > 0) {
                page += outcome >> region.pageShift();
                stopAfter -= outcome >> region.pageShift();
            } else if (outcome == InstallOutcome.NEXT_IS_PRESENT) {
                page++;
            } else if (outcome == InstallOutcome.MAPPING_IS_CHANGING) {
                awaitMappingChange();
            } else {
                longestRun = 1;
            }
            page = known.nextToFill(region, page, limit);
        }
        return page;
    }

    /**
     * One system call for the known page, and behind it for those that hold the pattern as it does. The received bits are set
     * inside the gate and after the pages are in place; removed pages get none.
     *
     * @return as {@link InstallOutcome}, or {@link #CROSSES_MAPPINGS}
     */
    private long installKnown(MemoryRegion region, long page, long end) {
        gate.enter();
        try {
            boolean fills =
                    known.isPatterned(region, page) && !region.received().get(page);
            long stop = fills ? Math.max(known.endOfFill(region, page, end), page + 1) : page + 1;
            long target = region.hostAddressOf(page);
            long bytes = (stop - page) << region.pageShift();
            try {
                long outcome = fills ? uffd.copy(target, pattern.address(), bytes) : uffd.zeroPage(target, bytes);
                if (outcome > 0 && !known.isRemoved(region, page)) {
                    region.received().set(page, outcome >> region.pageShift());
                }
                return outcome;
            } catch (NativeGoneException e) {
                // Unregistered meanwhile, which woke everyone; or the run crosses a border.
                return stop - page > 1 ? CROSSES_MAPPINGS : InstallOutcome.NEXT_IS_PRESENT;
            }
        } finally {
            gate.leave();
        }
    }

    private int install(MemoryRegion region, long firstPage, int count, long source, boolean zero) {
        int shift = region.pageShift();
        long end = firstPage + count;
        long installed = 0;
        long longestRun = count;
        long page = known.nextMissing(region, firstPage, end);
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
            page = known.nextMissing(region, page, end);
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
            long stop = known.endOfMissing(region, page, end);
            if (!isActive.getAsBoolean() || stop == page) {
                return InstallOutcome.NEXT_IS_PRESENT;
            }
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
