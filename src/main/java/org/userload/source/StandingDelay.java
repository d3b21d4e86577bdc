package org.userload.source;

/**
 * How much longer everything takes now than it must: the least delay of an interval against the least delay ever, its base.
 *
 * <p>A queue delays whatever passes, a thread that is late only some of it. So the least delay of an interval shows a queue that
 * stands, as in CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10.5, 2012).
 *
 * <p>Nanoseconds. One thread.
 */
final class StandingDelay {
    /** Longer than any delay. */
    private static final long UNKNOWN_NANOS = 3_600_000_000_000L;

    private long baseNanos = UNKNOWN_NANOS;
    private long baseSince;
    private long leastNanos = UNKNOWN_NANOS;

    void measured(long nanos, long now) {
        leastNanos = Math.min(leastNanos, nanos);
        if (nanos <= baseNanos) {
            baseNanos = nanos;
            baseSince = now;
        }
    }

    /** The base becomes what the interval's least is, also where that is more. */
    void rebase(long now) {
        if (leastNanos != UNKNOWN_NANOS) {
            baseNanos = leastNanos;
            baseSince = now;
        }
    }

    void beginInterval() {
        leastNanos = UNKNOWN_NANOS;
    }

    /** Whether this interval has shown anything. */
    boolean isKnown() {
        return leastNanos != UNKNOWN_NANOS;
    }

    long baseNanos() {
        return baseNanos;
    }

    long leastNanos() {
        return leastNanos;
    }

    long baseAgeNanos(long now) {
        return now - baseSince;
    }

    /** Delay wanted, base and a short queue, over the delay that there was. */
    double wantedOverMeasured() {
        return (double) (baseNanos + StreamDepth.queueNanos(baseNanos)) / Math.max(1, leastNanos);
    }

    /** Less than a quarter of the queue that is wanted. */
    boolean isNoQueue() {
        return leastNanos - baseNanos < StreamDepth.queueNanos(baseNanos) / 4;
    }

    /** Twice the queue that is wanted, or more. */
    boolean isLongQueue() {
        return leastNanos - baseNanos >= 2 * StreamDepth.queueNanos(baseNanos);
    }
}
