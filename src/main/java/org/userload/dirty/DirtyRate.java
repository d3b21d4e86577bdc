package org.userload.dirty;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How fast a guest writes pages.
 *
 * <p>The time is cut into intervals, each ended by a {@code collect}. A page that was written many times in one interval
 * counts once; a page that was written in several counts in each. So this is the rate at which a migration whose rounds
 * are as long as an interval gets pages to send again; longer rounds see less, since more writes meet on one page. A
 * write that races with a {@code collect} may count in both intervals.
 *
 * @param pages sum over all intervals of the distinct pages written in each
 * @param intervals how many there were, at least 1
 * @param nanos from the first interval's begin to the last one's end
 */
public record DirtyRate(long pages, int intervals, long nanos) {
    public DirtyRate {
        if (pages < 0 || intervals < 1 || nanos < 1) {
            throw new IllegalArgumentException(
                    "not a dirty rate: " + pages + " pages in " + intervals + " intervals, " + nanos + " ns");
        }
    }

    /** Pages per second. */
    public double pagesPerSecond() {
        return pages * 1e9 / nanos;
    }

    /**
     * Watches a guest that runs meanwhile, in the calling thread. What was written before the call does not count.
     *
     * @param tracker started; what it has recorded is forgotten
     * @param total at least as long as {@code interval}; the last interval ends when it is over
     * @param interval positive
     * @throws InterruptedException when the thread is interrupted
     */
    public static DirtyRate measure(DirtyTracker tracker, Duration total, Duration interval)
            throws InterruptedException {
        long step = interval.toNanos();
        if (step <= 0 || total.toNanos() < step) {
            throw new IllegalArgumentException(
                    "a dirty rate needs a positive interval and a total at least as long, not " + interval + " and "
                            + total);
        }
        Counter counter = new Counter();
        tracker.collect(counter);
        counter.pages = 0;
        long start = System.nanoTime();
        long now = start;
        int intervals = 0;
        while (now - start < total.toNanos()) {
            // From the clock and not from a count: a late wake-up makes one interval longer and adds none.
            TimeUnit.NANOSECONDS.sleep(Math.min(step, total.toNanos() - (now - start)));
            tracker.collect(counter);
            now = System.nanoTime();
            intervals++;
        }
        return new DirtyRate(counter.pages, intervals, now - start);
    }

    private static final class Counter implements DirtySink {
        long pages;

        @Override
        public void dirty(int region, long firstPage, long count) {
            pages += count;
        }
    }
}
