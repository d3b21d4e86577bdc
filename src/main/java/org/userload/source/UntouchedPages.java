package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.linux.NativeException;
import org.userload.linux.PopulatedPages;
import org.userload.memory.MemoryRegion;

/**
 * Pages of live memory that are known to be zero without a read, because nothing was ever written there.
 *
 * <p>Reading an untouched page would make the kernel map its zero page there first. Where the kernel cannot be
 * asked, nothing is known and every page is read.
 *
 * <p><b>Threads.</b> Any.
 */
final class UntouchedPages implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UntouchedPages.class);

    /** Fewer pages are read at once: a call of the kernel takes as long as two faults. */
    private static final int LEAST_PAGES = 4;

    private final @Nullable PopulatedPages populated;

    private UntouchedPages(@Nullable PopulatedPages populated) {
        this.populated = populated;
    }

    /** @param of what the memory is called in a message */
    static UntouchedPages open(String of) {
        try {
            return new UntouchedPages(PopulatedPages.open());
        } catch (NativeException e) {
            LOG.info(
                    "{}: pages that were never touched are read to see that they are zero, which takes longer: {}; finding"
                            + " them in the page tables needs Linux 6.7 and /proc/self/pagemap",
                    of,
                    e.getMessage());
            return reading();
        }
    }

    /** Knows nothing, so that every page is read. */
    static UntouchedPages reading() {
        return new UntouchedPages(null);
    }

    /**
     * How a run of pages begins.
     *
     * @param count pages, at least 1
     * @return pages that hold nothing but zeros, or, negative, pages that are to be read; never 0, at most {@code count}
     */
    int lead(MemoryRegion region, long firstPage, int count) {
        PopulatedPages pages = populated;
        if (pages == null || count < LEAST_PAGES) {
            return -count;
        }
        int shift = region.pageShift();
        long start = region.hostAddressOf(firstPage);
        long bytes = pages.lead(start, start + ((long) count << shift), region.hostAddressOf(region.pageCount()));
        if (bytes < 0) {
            return -(int) ((-bytes + (1L << shift) - 1) >>> shift);
        }
        int zero = (int) (bytes >>> shift);
        return zero > 0 ? zero : -1; // a guest page of which only the first host pages are untouched
    }

    @Override
    public void close() {
        if (populated != null) {
            populated.close();
        }
    }
}
