package org.userload.source;

/**
 * How much longer everything takes now than it must: the delay of an interval against the least delay ever, its base.
 *
 * <p>Of a delay that threads make longer now and then, the least of the interval counts: a queue delays whatever passes, a
 * late thread only some of it, as in CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10.5, 2012). Of any
 * other, the mean.
 *
 * <p>Nanoseconds. One thread.
 */
final class StandingDelay {
    /** Longer than any delay. */
    private static final long UNKNOWN_NANOS = 3_600_000_000_000L;

    private final boolean ofThreads;
    private long baseNanos = UNKNOWN_NANOS;
    private long baseSince;
    private long leastNanos;
    private long sumNanos;
    private int count;

    /** @param ofThreads whether threads make it longer */
    StandingDelay(boolean ofThreads) {
        this.ofThreads = ofThreads;
        beginInterval();
    }

    void measured(long nanos, long now) {
        leastNanos = Math.min(leastNanos, nanos);
        sumNanos += nanos;
        count++;
        if (nanos <= baseNanos) {
            baseNanos = nanos;
            baseSince = now;
        }
    }

    /** The base becomes what the interval's least is, also where that is more. */
    void rebase(long now) {
        if (isKnown()) {
            baseNanos = leastNanos;
            baseSince = now;
        }
    }

    void beginInterval() {
        leastNanos = UNKNOWN_NANOS;
        sumNanos = 0;
        count = 0;
    }

    /** Whether this interval has shown anything. */
    boolean isKnown() {
        return count > 0;
    }

    /** The least ever, since it was taken anew. */
    long baseNanos() {
        return baseNanos;
    }

    long baseAgeNanos(long now) {
        return now - baseSince;
    }

    /** In this interval. */
    long nanos() {
        return ofThreads || count == 0 ? leastNanos : sumNanos / count;
    }

    /** Delay wanted, base and a short queue, over the delay that there was. */
    double wantedOverMeasured() {
        return (double) (baseNanos + StreamDepth.queueNanos(baseNanos)) / Math.max(1, nanos());
    }

    /** Less than a quarter of the queue that is wanted. */
    boolean isNoQueue() {
        return nanos() - baseNanos < StreamDepth.queueNanos(baseNanos) / 4;
    }

    /** Twice the queue that is wanted, or more. */
    boolean isLongQueue() {
        return nanos() - baseNanos >= 2 * StreamDepth.queueNanos(baseNanos);
    }
}
