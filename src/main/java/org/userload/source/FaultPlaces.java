package org.userload.source;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Where the latest pages were that were asked for: from whoever answers requests to the stream loop, without a lock. Of
 * places noted at the same moment one may be lost.
 *
 * <p><b>Threads.</b> Any.
 */
final class FaultPlaces {
    /** How many are kept: as many scans at once may keep the stream around themselves. */
    static final int KEPT = 4;

    private static final int REGION_SHIFT = 48;

    private final AtomicLongArray places = new AtomicLongArray(KEPT);
    private final AtomicLong count = new AtomicLong();

    void note(int region, long page) {
        places.set((int) count.get() & (KEPT - 1), ((long) region << REGION_SHIFT) | page);
        count.incrementAndGet();
    }

    /** Grows with each place. */
    long count() {
        return count.get();
    }

    /** The place noted when there were so many before it; a later one if that is not kept any more. */
    long place(long index) {
        return places.get((int) index & (KEPT - 1));
    }

    static int region(long place) {
        return (int) (place >>> REGION_SHIFT);
    }

    static long page(long place) {
        return place & ((1L << REGION_SHIFT) - 1);
    }
}
