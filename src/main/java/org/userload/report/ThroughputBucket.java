package org.userload.report;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.userload.trace.ThroughputSamples;
import org.userload.trace.ThroughputSamples.Sample;

/**
 * What a guest did in 10 ms.
 *
 * @param tUs start of the bucket relative to a given moment, in microseconds, a multiple of 10,000; negative before it
 * @param accesses done in the bucket, wherever the guest was; 0 where it was paused or away
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record ThroughputBucket(long tUs, long accesses) {
    private static final long BUCKET_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** A day and more. Samples further apart than that are not of one clock. */
    private static final long MAX_BUCKETS = 10_000_000;

    /**
     * Puts together what the processes sampled in which the guest was, one after the other or several times. Without gaps from
     * the first sample to the last; the sum of the buckets is the number of accesses between them.
     *
     * @param originNanos the moment that times are relative to, by {@link System#nanoTime()}
     * @param processes samples of one host
     * @throws IllegalArgumentException if the samples are too far apart to be of one clock
     */
    public static List<ThroughputBucket> of(long originNanos, List<ThroughputSamples> processes) {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (ThroughputSamples process : processes) {
            for (Sample sample : process.samples()) {
                first = Math.min(first, Math.floorDiv(sample.nanos() - originNanos, BUCKET_NANOS));
                last = Math.max(last, Math.floorDiv(sample.nanos() - originNanos, BUCKET_NANOS));
            }
        }
        if (first > last) {
            return List.of();
        }
        if (last - first >= MAX_BUCKETS) {
            throw new IllegalArgumentException("throughput samples that are "
                    + TimeUnit.NANOSECONDS.toHours((last - first) * BUCKET_NANOS) + " hours apart, expected at most "
                    + TimeUnit.NANOSECONDS.toHours(MAX_BUCKETS * BUCKET_NANOS) + ": they are not of one host");
        }
        long[] accesses = new long[(int) (last - first) + 1];
        for (ThroughputSamples process : processes) {
            for (int i = 1; i < process.samples().size(); i++) {
                Sample from = process.samples().get(i - 1);
                Sample to = process.samples().get(i);
                spread(accesses, originNanos + first * BUCKET_NANOS, from, to);
            }
        }
        List<ThroughputBucket> buckets = new ArrayList<>(accesses.length);
        for (int i = 0; i < accesses.length; i++) {
            buckets.add(new ThroughputBucket(TimeUnit.NANOSECONDS.toMicros((first + i) * BUCKET_NANOS), accesses[i]));
        }
        return buckets;
    }

    /** Divides the accesses between two samples among the buckets between them, in proportion to time. */
    private static void spread(long[] accesses, long firstNanos, Sample from, Sample to) {
        long total = to.accesses() - from.accesses();
        if (total == 0) {
            return;
        }
        int lastBucket = (int) ((to.nanos() - firstNanos) / BUCKET_NANOS);
        long given = 0;
        for (int i = (int) ((from.nanos() - firstNanos) / BUCKET_NANOS); i < lastBucket; i++) {
            long end = firstNanos + (i + 1) * BUCKET_NANOS;
            double part = (double) (end - from.nanos()) / (to.nanos() - from.nanos());
            long givenByEnd = Math.min((long) (total * part), total);
            accesses[i] += givenByEnd - given;
            given = givenByEnd;
        }
        accesses[lastBucket] += total - given;
    }
}
