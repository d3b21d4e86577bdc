package org.userload.source;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A limit to what a source sends, as a token bucket on a virtual clock: it says when everything sent so far would be paid
 * for at the rate of the limit. The stream waits for that time; an urgent answer never waits, but is charged, so that the
 * stream waits for it too.
 *
 * <p>The bucket holds what the rate gives in {@value #BURST_NANOS} ns: a sender whose timer fires late by less loses no
 * rate, and a slow limit lets through one frame at a time. The stream is held up by at most {@value #MOST_DEBT_NANOS} ns,
 * however much was urgent.
 *
 * <p>Any thread; lock-free. Times are of {@link System#nanoTime()}.
 */
final class BandwidthCap {
    static final long BURST_NANOS = 250_000;
    static final long MOST_DEBT_NANOS = 1_000_000_000;

    private final double nanosPerByte;
    private final AtomicLong paidAt;

    /** @param bytesPerSecond the limit, frame headers included, at least 1 */
    BandwidthCap(long bytesPerSecond, long now) {
        this.nanosPerByte = 1e9 / bytesPerSecond;
        this.paidAt = new AtomicLong(now);
    }

    /** Bytes were sent. */
    void charge(long bytes, long now) {
        long takes = (long) (bytes * nanosPerByte);
        long before;
        long after;
        do {
            before = paidAt.get();
            long start = Math.max(before - now, -BURST_NANOS);
            after = now + Math.min(start + takes, MOST_DEBT_NANOS);
        } while (!paidAt.compareAndSet(before, after));
    }

    /** How long the stream has to wait before it sends; 0 or less when it may. */
    long waitNanos(long now) {
        return paidAt.get() - now;
    }
}
