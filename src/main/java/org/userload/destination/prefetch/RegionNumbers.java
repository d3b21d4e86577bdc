package org.userload.destination.prefetch;

import java.util.Arrays;
import org.userload.memory.RegionTable;

/** Page numbers counted through all regions of a table. Immutable. */
final class RegionNumbers {
    private final long[] firsts;

    RegionNumbers(RegionTable table) {
        firsts = new long[table.entries().size() + 1];
        for (int i = 0; i < firsts.length - 1; i++) {
            firsts[i + 1] = firsts[i] + table.entries().get(i).pageCount();
        }
    }

    /** Pages of all regions. */
    long total() {
        return firsts[firsts.length - 1];
    }

    /** The region that a page of all of them lies in. */
    int regionOf(long number) {
        int at = Arrays.binarySearch(firsts, number);
        return at >= 0 ? at : -at - 2;
    }

    /** The number of a region's first page. */
    long firstOf(int region) {
        return firsts[region];
    }

    /** The number behind a region's last page. */
    long endOf(int region) {
        return firsts[region + 1];
    }
}
