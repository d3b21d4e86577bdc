package org.userload.trace;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Replay} at a rate, by the monotonic clock: it makes the accesses of about one millisecond (at least one)
 * at once, then sleeps until the next are due. At full speed it only hands over to the replay.
 *
 * <p><b>Debt.</b> A guest that was late, because a page took its time or another process had the CPU, goes faster until
 * it has made up for it, but for no more than the last 10 ms: what it missed before is lost, as it is for a program that
 * answers requests from outside. So in any time {@code t} it makes at most the accesses of {@code t} + 10 ms and one
 * batch. Nothing is owed for the time between two runs.
 *
 * <p><b>Threads.</b> One thread at a time runs; any other may {@link #stop} it, which also ends its sleep.
 */
final class Pacer {
    /** How far the guest may be behind its rate and still make up for it. */
    static final long MAX_DEBT_NANOS = 10_000_000;

    /** Long enough for the sleep to be worth it, short enough to be smooth in buckets of 10 ms. */
    private static final long BATCHES_PER_SECOND = 1_000;

    private static final double NANOS_PER_SECOND = 1e9;

    /** Time and sleep, so that tests need not wait. */
    interface Clock {
        long nanoTime();

        /** Like {@link LockSupport#parkNanos(Object, long)}: may return early. */
        void parkNanos(Object blocker, long nanos);

        Clock SYSTEM = new Clock() {
            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public void parkNanos(Object blocker, long nanos) {
                LockSupport.parkNanos(blocker, nanos);
            }
        };
    }

    private final Replay replay;
    private final AccessRate rate;
    private final Clock clock;
    private final long batch;
    private final long batchNanos;
    private volatile @Nullable Thread runner;

    Pacer(Replay replay, AccessRate rate, Clock clock) {
        this.replay = replay;
        this.rate = rate;
        this.clock = clock;
        this.batch = Math.max(rate.accessesPerSecond() / BATCHES_PER_SECOND, 1);
        this.batchNanos = Math.round(batch * (NANOS_PER_SECOND / rate.accessesPerSecond()));
    }

    /** Runs like {@link Replay#runTo}. An interrupt does not end a sleep and is kept. */
    void runTo(long end) {
        if (rate.isFullSpeed()) {
            replay.runTo(end);
            return;
        }
        boolean interrupted = false;
        runner = Thread.currentThread();
        try {
            long due = clock.nanoTime();
            while (replay.position() < end && !replay.isStopRequested()) {
                long wait = due - clock.nanoTime();
                if (wait > 0) {
                    clock.parkNanos(this, wait);
                    interrupted |= Thread.interrupted();
                    continue;
                }
                long at = replay.position();
                replay.runTo(end - at < batch ? end : at + batch);
                due = later(due + batchNanos, clock.nanoTime() - MAX_DEBT_NANOS);
            }
        } finally {
            runner = null;
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Times of {@link System#nanoTime} may overflow, so only their difference counts. */
    private static long later(long nanos, long otherNanos) {
        return nanos - otherNanos > 0 ? nanos : otherNanos;
    }

    /** Stops the run under way before its next access, as {@link Replay#requestStop} does. */
    void stop() {
        replay.requestStop();
        // The runner publishes itself before it looks at the request, so it sees that or is woken here.
        LockSupport.unpark(runner);
    }
}
