package org.userload.report.comparison;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.report.comparison.RunResult.Bucket;

/**
 * How long after the pause the guest works again as before.
 *
 * <p>Full speed is the median of the buckets before the start of the migration. The guest is back at the start of the
 * first bucket, not before the one in which it was paused, from which on every mean of {@value #WINDOW} consecutive
 * buckets is at least {@value #SHARE} of full speed, up to half a second after that bucket and after the last page,
 * whichever is later, or up to the guest's end. The time is counted from the pause, and is 0 for a guest whose speed
 * never fell so far.
 */
final class Recovery {
    /** Length of a bucket. */
    static final long BUCKET_US = 10_000;

    /** Buckets in a mean. */
    static final int WINDOW = 5;

    /** Of full speed. */
    static final double SHARE = 0.9;

    /** Fewer buckets before the migration than this say nothing about full speed. */
    static final int MIN_BEFORE = 5;

    private static final long STEADY_US = 500_000;

    private final double[] accesses;
    private final long firstBucket;

    private Recovery(double[] accesses, long firstBucket) {
        this.accesses = accesses;
        this.firstBucket = firstBucket;
    }

    /**
     * Microseconds; {@link Double#POSITIVE_INFINITY} if the guest ended before; null if the result does not say, or if
     * the guest ended as soon as it had moved.
     */
    static @Nullable Double of(RunResult result) {
        RunResult.Timeline timeline = result.timeline();
        List<Bucket> buckets = result.throughput();
        if (timeline == null || timeline.pausedUs() == null || buckets == null || buckets.isEmpty()) {
            return null;
        }
        Recovery recovery = dense(buckets);
        double full = recovery.fullSpeed();
        if (Double.isNaN(full)) {
            return null;
        }
        long pausedUs = timeline.pausedUs();
        return recovery.after(pausedUs, timeline.pagesInUs() == null ? pausedUs : timeline.pagesInUs(), SHARE * full);
    }

    /** All buckets from the first to the last; those that are missing had no accesses. */
    private static Recovery dense(List<Bucket> buckets) {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (Bucket bucket : buckets) {
            long index = Math.floorDiv(bucket.tUs(), BUCKET_US);
            first = Math.min(first, index);
            last = Math.max(last, index);
        }
        double[] accesses = new double[Math.toIntExact(last - first + 1)];
        for (Bucket bucket : buckets) {
            accesses[(int) (Math.floorDiv(bucket.tUs(), BUCKET_US) - first)] += bucket.accesses();
        }
        return new Recovery(accesses, first);
    }

    /** The median of the whole buckets before time 0; the first of all may be a part only. */
    private double fullSpeed() {
        int before = (int) Math.min(Math.max(-firstBucket, 0), accesses.length);
        if (before - 1 < MIN_BEFORE) {
            return Double.NaN;
        }
        double[] sorted = Arrays.copyOfRange(accesses, 1, before);
        Arrays.sort(sorted);
        return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
    }

    private @Nullable Double after(long pausedUs, long pagesInUs, double wanted) {
        int pausedIn = index(pausedUs);
        int lastWindow = accesses.length - 1 - WINDOW; // the last bucket of all may be a part only
        if (pausedIn > lastWindow) {
            return null;
        }
        int back = pausedIn;
        for (int i = pausedIn; i <= lastWindow; i++) {
            if (mean(i) < wanted) {
                back = i + 1;
            } else if (i >= index(Math.max(start(back), pagesInUs) + STEADY_US)) {
                break;
            }
        }
        return back > lastWindow ? Double.POSITIVE_INFINITY : (double) Math.max(start(back) - pausedUs, 0);
    }

    private double mean(int from) {
        double sum = 0;
        for (int i = from; i < from + WINDOW; i++) {
            sum += accesses[i];
        }
        return sum / WINDOW;
    }

    private int index(long us) {
        return (int) Math.max(Math.floorDiv(us, BUCKET_US) - firstBucket, 0);
    }

    private long start(int index) {
        return (firstBucket + index) * BUCKET_US;
    }
}
