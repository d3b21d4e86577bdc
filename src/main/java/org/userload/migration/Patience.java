package org.userload.migration;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.userload.source.SourceSession;

/**
 * How long a source waits for its destination, and the operator's word that it should not wait at all any more.
 *
 * <p>Nobody can cancel once COMMIT is sent, and nobody commits once it is cancelled: {@link #commit} and {@link #cancel}
 * decide which.
 *
 * <p><b>Threads.</b> One waits, any cancels.
 */
final class Patience {
    /** How often a long wait looks whether it still makes sense. */
    static final long LOOK_MILLIS = 50;

    /** Of a migration that was cancelled before it began. */
    private static final Duration NONE = Duration.ZERO;

    private final Duration longest;
    private boolean committed;
    private volatile boolean cancelled;

    Patience(Duration longest) {
        this.longest = longest;
    }

    /** For a migration that is called off before it has begun. */
    static Patience cancelledBefore() {
        Patience patience = new Patience(NONE);
        patience.cancelled = true;
        return patience;
    }

    /** How long to wait for each step. */
    Duration longest() {
        return longest;
    }

    /** Whether this comes in time. */
    synchronized boolean cancel() {
        cancelled = !committed;
        return cancelled;
    }

    /** The point of no return. */
    synchronized void commit() {
        checkNotCancelled();
        committed = true;
    }

    /** @throws HandoverException once it is cancelled */
    void checkNotCancelled() {
        if (cancelled) {
            throw new HandoverException("the migration was cancelled" + HandoverException.HERE, true, null);
        }
    }

    /** Waits before COMMIT, as long as pages are being acknowledged and then for the patience. */
    <T> T await(CompletableFuture<T> future, SourceSession progress, String problem) {
        long seen = progress.acknowledgedPages();
        long deadline = System.nanoTime() + longest.toNanos();
        while (true) {
            checkNotCancelled();
            long left = deadline - System.nanoTime();
            try {
                return get(
                        future, Math.min(TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS), Math.max(left, 1)), problem, true);
            } catch (TimeoutException e) {
                if (progress.acknowledgedPages() != seen) {
                    seen = progress.acknowledgedPages();
                    deadline = System.nanoTime() + longest.toNanos();
                } else if (left <= 0) {
                    throw late(problem, true, e);
                }
            }
        }
    }

    /** Waits after COMMIT: the guest may run there. */
    <T> T awaitCommitted(CompletableFuture<T> future, String problem) {
        try {
            return get(future, longest.toNanos(), problem, false);
        } catch (TimeoutException e) {
            throw late(problem, false, e);
        }
    }

    private HandoverException late(String problem, boolean guestIsHere, TimeoutException cause) {
        return new HandoverException(
                "the destination " + problem + " within " + longest.toMillis() + " ms" + where(guestIsHere),
                guestIsHere,
                cause);
    }

    private static <T> T get(CompletableFuture<T> future, long nanos, String problem, boolean guestIsHere)
            throws TimeoutException {
        try {
            return future.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new HandoverException(
                    "the destination " + problem + ": " + cause.getMessage() + where(guestIsHere), guestIsHere, cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HandoverException(
                    "the destination " + problem + " before the interrupt" + where(guestIsHere), guestIsHere, e);
        }
    }

    private static String where(boolean guestIsHere) {
        return guestIsHere ? HandoverException.HERE : HandoverException.PERHAPS_THERE;
    }
}
