package org.userload.channel;

import java.util.concurrent.TimeUnit;

/** How much a peer may still send that has to be refused. A bucket that fills with time. For one thread. */
final class RefusalLimit {
    private final long mostNanos;
    private final long nanosEach;
    private long credit;
    private long last;

    /**
     * @param most refusals in a row
     * @param perSecond refusals forgiven each second; 0 for none ever
     * @param now {@link System#nanoTime}
     */
    RefusalLimit(int most, int perSecond, long now) {
        // Without forgiveness time does not count, and a refusal costs one.
        this.nanosEach = perSecond == 0 ? 1 : TimeUnit.SECONDS.toNanos(1) / perSecond;
        this.mostNanos = most * nanosEach;
        this.credit = mostNanos;
        this.last = perSecond == 0 ? Long.MAX_VALUE : now;
    }

    /** Counts a refusal; gives whether it was within the limit. */
    boolean refuse(long now) {
        if (last != Long.MAX_VALUE) {
            credit = Math.min(mostNanos, credit + (now - last));
            last = now;
        }
        credit -= nanosEach;
        return credit >= 0;
    }
}
