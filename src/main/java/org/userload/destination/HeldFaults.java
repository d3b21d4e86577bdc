package org.userload.destination;

import java.util.Arrays;
import org.userload.memory.GuestMemory;

/**
 * Missing pages that somebody waits for and that were not asked for, because they are about to come in the stream. Fault loop
 * only; there are as many as threads at most, so they are looked through one by one.
 */
final class HeldFaults {
    private static final int FIRST_ROOM = 64;

    private long[] pages = new long[FIRST_ROOM];
    private int[] regions = new int[FIRST_ROOM];
    private long[] since = new long[FIRST_ROOM];
    private int size;

    /** Takes a page that is to be asked for after all. */
    @FunctionalInterface
    interface Overdue {
        void page(int region, long page);
    }

    boolean isEmpty() {
        return size == 0;
    }

    boolean contains(int region, long page) {
        for (int i = 0; i < size; i++) {
            if (pages[i] == page && regions[i] == region) {
                return true;
            }
        }
        return false;
    }

    void add(int region, long page, long nowNanos) {
        if (size == pages.length) {
            pages = Arrays.copyOf(pages, 2 * size);
            regions = Arrays.copyOf(regions, 2 * size);
            since = Arrays.copyOf(since, 2 * size);
        }
        pages[size] = page;
        regions[size] = region;
        since[size++] = nowNanos;
    }

    /** Forgets pages that have come, and hands on those that have not come since {@code beforeNanos}; gives how many had come. */
    int settle(GuestMemory memory, long beforeNanos, Overdue overdue) {
        int came = 0;
        for (int i = size - 1; i >= 0; i--) {
            int region = regions[i];
            long page = pages[i];
            boolean received = memory.region(region).received().get(page);
            if (received || since[i] - beforeNanos <= 0) {
                size--;
                pages[i] = pages[size];
                regions[i] = regions[size];
                since[i] = since[size];
                if (received) {
                    came++;
                } else {
                    overdue.page(region, page);
                }
            }
        }
        return came;
    }
}
