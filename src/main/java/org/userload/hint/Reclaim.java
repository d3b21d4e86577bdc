package org.userload.hint;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What came of asking a guest, before it moves, for memory that need not move then.
 *
 * <p>A guest that does not answer or refuses is no error: it moves with the memory that it has.
 *
 * @param outcome how it ended
 * @param pages that came into the balloon meanwhile, less those that left it; may be negative
 * @param micros how long it took
 * @param reason why a guest has refused; else empty
 */
public record Reclaim(Outcome outcome, long pages, long micros, String reason) {
    private static final Logger LOG = LoggerFactory.getLogger(Reclaim.class);

    /** How it ended. */
    public enum Outcome {
        /** The guest has given what it wanted to give. */
        DONE,
        /** The guest has said that it does not, or its channel is gone. */
        REFUSED,
        /** The guest was not through in time; what it has given by then counts, and so does what it gives later. */
        TIMED_OUT
    }

    /**
     * Asks, and waits until the guest is through or the patience is over. In the thread that is about to migrate the guest.
     *
     * @param floorPages available pages that the guest may keep, not negative
     * @param patience how long to wait at most
     * @throws InterruptedException when the thread is interrupted
     */
    public static Reclaim from(MemoryReclaimer guest, Balloon balloon, long floorPages, Duration patience)
            throws InterruptedException {
        if (floorPages < 0) {
            throw new IllegalArgumentException("a guest cannot keep " + floorPages + " pages");
        }
        long before = balloon.pages();
        long start = System.nanoTime();
        Outcome outcome;
        String reason = "";
        try {
            CompletableFuture<?> answer = guest.reclaim(floorPages);
            try {
                answer.get(patience.toNanos(), TimeUnit.NANOSECONDS);
                outcome = Outcome.DONE;
            } catch (TimeoutException e) {
                answer.cancel(false);
                outcome = Outcome.TIMED_OUT;
            }
        } catch (ExecutionException e) {
            outcome = Outcome.REFUSED;
            reason = String.valueOf(e.getCause().getMessage());
        } catch (RuntimeException e) {
            outcome = Outcome.REFUSED;
            reason = String.valueOf(e.getMessage());
        }
        long micros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start);
        Reclaim result = new Reclaim(outcome, balloon.pages() - before, micros, reason);
        if (outcome != Outcome.DONE) {
            LOG.warn("the guest moves with the memory that it has: {}", result);
        }
        return result;
    }
}
