package org.userload.source;

import java.util.Arrays;

/**
 * Which pages of a file lie wholly in holes. Immutable. Costs 16 bytes for each run of data, not for each page.
 *
 * <p>The map is one ascending list of page numbers at which data and holes take turns: data begins at the even
 * positions and ends at the odd ones, so the number of borders at or below a page tells by its parity what the page is.
 */
final class HoleMap {
    private final long[] borders;
    private final long pageCount;

    private HoleMap(long[] borders, long pageCount) {
        this.borders = borders;
        this.pageCount = pageCount;
    }

    /**
     * Builds the map. A page that any extent touches is data.
     *
     * @param extents as {@link ExtentScanner#dataExtents} gives them
     * @param sizeBytes size of the file in bytes, a multiple of the page size
     * @param pageShift binary logarithm of the page size
     * @throws IllegalArgumentException if the extents are not pairs, not ascending or not within the file
     */
    static HoleMap of(long[] extents, long sizeBytes, int pageShift) {
        if (extents.length % 2 != 0) {
            throw new IllegalArgumentException("extents come in pairs, not " + extents.length + " numbers");
        }
        long[] borders = new long[extents.length];
        int used = 0;
        long last = 0;
        for (int i = 0; i < extents.length; i += 2) {
            long begin = extents[i];
            long end = extents[i + 1];
            if (begin < last || end <= begin || end > sizeBytes) {
                throw new IllegalArgumentException("extent " + begin + " to " + end + " is not between " + last
                        + " and the end of the file at " + sizeBytes);
            }
            last = end;
            long firstPage = begin >>> pageShift;
            long endPage = ((end - 1) >>> pageShift) + 1;
            if (used > 0 && firstPage <= borders[used - 1]) {
                borders[used - 1] = endPage;
            } else {
                borders[used++] = firstPage;
                borders[used++] = endPage;
            }
        }
        return new HoleMap(Arrays.copyOf(borders, used), sizeBytes >>> pageShift);
    }

    /** Whether every byte of the page is in a hole, and so zero. */
    boolean isHole(long page) {
        return (bordersUpTo(page) & 1) == 0;
    }

    /** The first page after {@code page} that is of the other kind, or the number of pages if there is none. */
    long runEnd(long page) {
        int next = bordersUpTo(page);
        return next < borders.length ? borders[next] : pageCount;
    }

    private int bordersUpTo(long page) {
        int found = Arrays.binarySearch(borders, page);
        return found >= 0 ? found + 1 : -found - 1;
    }
}
