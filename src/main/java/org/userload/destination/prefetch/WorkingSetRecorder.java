package org.userload.destination.prefetch;

import java.util.Arrays;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.RegionTable;

/**
 * Notes pages in the order in which they are touched first.
 *
 * <p><b>Threads.</b> Any.
 */
public final class WorkingSetRecorder {
    private static final int FIRST_ROOM = 1024;

    private final RegionTable table;
    private final RegionNumbers numbers;
    private final AtomicBitmap known;

    /** Guarded by this, as the count is. */
    private int[] pages = new int[FIRST_ROOM];

    private int count;

    public WorkingSetRecorder(RegionTable table) {
        this.table = table;
        this.numbers = new RegionNumbers(table);
        this.known = new AtomicBitmap(numbers.total());
    }

    /** Somebody waits for this page. */
    public void touched(int region, long page) {
        long number = numbers.firstOf(region) + page;
        if (known.set(number)) {
            add((int) number);
        }
    }

    private synchronized void add(int number) {
        if (count == pages.length) {
            pages = Arrays.copyOf(pages, (int) Math.min(2L * count, Integer.MAX_VALUE - Long.BYTES));
        }
        pages[count++] = number;
    }

    /** What was noted so far. */
    public synchronized WorkingSet recorded() {
        return new WorkingSet(table, Arrays.copyOf(pages, count));
    }
}
