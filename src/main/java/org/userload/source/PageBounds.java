package org.userload.source;

import java.nio.ByteBuffer;
import java.util.List;
import org.userload.memory.RegionTable;

/** Checks that a call names pages that a source has. Thread-safe; does not allocate unless it throws. */
final class PageBounds {
    private PageBounds() {}

    /**
     * Checks a call of {@link PageSource#describe}.
     *
     * @return how many pages from {@code firstPage} the run may have: at most {@code maxPages} and within the region
     */
    static int checkRun(String source, RegionTable regions, int region, long firstPage, int maxPages) {
        if (maxPages < 1) {
            throw new IllegalArgumentException(source + ": maxPages must be at least 1, not " + maxPages);
        }
        long left = pagesLeft(source, regions, region, firstPage);
        return (int) Math.min(maxPages, left);
    }

    /** Checks a call of {@link PageSource#read}. */
    static void checkRead(String source, RegionTable regions, int region, long firstPage, int count, ByteBuffer dst) {
        if (count < 1) {
            throw new IllegalArgumentException(source + ": count must be at least 1, not " + count);
        }
        long left = pagesLeft(source, regions, region, firstPage);
        if (count > left) {
            throw new IndexOutOfBoundsException(source + ": region " + region + " page " + firstPage + ": " + count
                    + " pages asked for, " + left + " are left");
        }
        long bytes = (long) count << regions.pageSize().shift();
        if (bytes > dst.remaining()) {
            throw new IllegalArgumentException(source + ": " + count + " pages need " + bytes
                    + " bytes, the buffer has room for " + dst.remaining());
        }
    }

    private static long pagesLeft(String source, RegionTable regions, int region, long firstPage) {
        List<RegionTable.Entry> entries = regions.entries();
        if (region < 0 || region >= entries.size()) {
            throw new IndexOutOfBoundsException(source + ": no region " + region + ", there are " + entries.size());
        }
        long pageCount = entries.get(region).pageCount();
        if (firstPage < 0 || firstPage >= pageCount) {
            throw new IndexOutOfBoundsException(
                    source + ": region " + region + " has no page " + firstPage + ", it has " + pageCount + " pages");
        }
        return pageCount - firstPage;
    }
}
