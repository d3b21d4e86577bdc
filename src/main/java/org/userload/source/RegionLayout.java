package org.userload.source;

import java.util.Arrays;
import java.util.List;
import org.userload.memory.RegionTable;

/**
 * Where regions lie in an image that holds them one after the other. Immutable.
 *
 * <p>An <em>image page</em> is a page's number counted from the start of the image.
 */
final class RegionLayout {
    /** First image page of each region, and behind them the number of pages of the image. */
    private final long[] starts;

    RegionLayout(RegionTable regions) {
        List<RegionTable.Entry> entries = regions.entries();
        this.starts = new long[entries.size() + 1];
        for (int i = 0; i < entries.size(); i++) {
            starts[i + 1] = starts[i] + entries.get(i).pageCount();
        }
    }

    /** The image page of a region's page. */
    long imagePage(int region, long page) {
        return starts[region] + page;
    }

    /** Pages of the image. */
    long pageCount() {
        return starts[starts.length - 1];
    }

    /** The region that holds an image page. */
    int regionOf(long imagePage) {
        int found = Arrays.binarySearch(starts, imagePage);
        return found >= 0 ? found : -found - 2;
    }

    /** The number within its region of an image page. */
    long pageInRegion(long imagePage) {
        return imagePage - starts[regionOf(imagePage)];
    }

    /** The image pages left in the region of {@code imagePage}, itself included. */
    long leftInRegion(long imagePage) {
        return starts[regionOf(imagePage) + 1] - imagePage;
    }

    /** Names image pages for an error message: {@code "region 0 pages 16 to 31, region 1 page 0"}. */
    String name(long firstImagePage, int count) {
        StringBuilder name = new StringBuilder();
        long end = firstImagePage + count;
        for (long at = firstImagePage; at < end; ) {
            long pieceEnd = Math.min(end, at + leftInRegion(at));
            long first = pageInRegion(at);
            long last = first + pieceEnd - at - 1;
            name.append(name.isEmpty() ? "" : ", ").append("region ").append(regionOf(at));
            name.append(first == last ? " page " + first : " pages " + first + " to " + last);
            at = pieceEnd;
        }
        return name.toString();
    }
}
