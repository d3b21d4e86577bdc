package org.userload.fault;

import java.util.function.BooleanSupplier;
import org.userload.linux.InstallOutcome;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.SignalSession;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.MemoryRegion;

/**
 * Installs runs of pages that the stream brings, only where they are still missing. The kernel decides who is first. Any loop
 * may install.
 */
final class SignalInstaller {
    /** Zero pages put in place by one call: some milliseconds. */
    private static final int ZERO_PAGES_AT_ONCE = 1 << 15;

    private final SignalSession session;
    private final PatternPages pattern;
    private final FaultListener listener;
    private final BooleanSupplier isActive;

    /** What a run of pages is made of. */
    private interface Content {
        /** As {@link SignalSession#copy}, {@code bytes} from page {@code page} on. */
        long install(long target, long page, long bytes);
    }

    SignalInstaller(SignalSession session, PatternPages pattern, FaultListener listener, BooleanSupplier isActive) {
        this.session = session;
        this.pattern = pattern;
        this.listener = listener;
        this.isActive = isActive;
    }

    int copy(MemoryRegion region, long firstPage, int count, long source) {
        long base = source - (firstPage << region.pageShift());
        return (int) install(
                region,
                firstPage,
                count,
                count,
                (target, page, bytes) -> session.copy(target, base + (page << region.pageShift()), bytes));
    }

    /** Puts zero pages in place, or copies of the pattern's pages. */
    long fill(MemoryRegion region, long firstPage, long count, boolean patterned) {
        return patterned
                ? install(
                        region,
                        firstPage,
                        count,
                        PatternPages.PAGES,
                        (target, page, bytes) -> session.copy(target, pattern.address(), bytes))
                : install(
                        region,
                        firstPage,
                        count,
                        ZERO_PAGES_AT_ONCE,
                        (target, page, bytes) -> session.zeroPage(target, bytes));
    }

    /** @return how many pages this call installed */
    private long install(MemoryRegion region, long firstPage, long count, int atOnce, Content content) {
        AtomicBitmap received = region.received();
        int shift = region.pageShift();
        long end = firstPage + count;
        long longestRun = atOnce;
        long installed = 0;
        long page = received.nextClear(firstPage, end);
        while (page < end && isActive.getAsBoolean()) {
            long stop = received.nextSet(page, Math.min(end, page + longestRun));
            long outcome = installOnce(region, page, stop, content);
            if (outcome > 0) {
                installed += received.set(page, outcome >> shift);
                page += outcome >> shift;
            } else if (outcome == InstallOutcome.NEXT_IS_PRESENT) {
                foundInPlace(region, page);
                page++;
            } else if (outcome == InstallOutcome.MAPPING_IS_CHANGING) {
                Thread.onSpinWait();
            } else if (longestRun > 1) {
                // An madvise or mlock of a part has split the mapping, and one call does not cross the border.
                longestRun = 1;
            }
            page = received.nextClear(page, end);
        }
        return installed;
    }

    /** @return as {@link SignalSession#copy}; 0 when less should be tried */
    private long installOnce(MemoryRegion region, long page, long stop, Content content) {
        try {
            return content.install(region.hostAddressOf(page), page, (stop - page) << region.pageShift());
        } catch (NativeGoneException e) {
            if (!isActive.getAsBoolean() || stop - page > 1) {
                return 0;
            }
            throw e;
        }
    }

    /** A thread has fetched it; whoever is first to take note of that counts it. */
    private void foundInPlace(MemoryRegion region, long page) {
        if (region.received().set(page)) {
            listener.pagesFetched(region.index(), page, 1);
        }
    }
}
