package org.userload.source;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One walk of the stream over the pages that have not been sent. Used on the stream loop,
 * but for the future.
 */
final class StreamPass {
    private static final StreamOrder NOTHING = maxPages -> null;

    private final StreamOrder order;
    private final @Nullable CompletableFuture<Long> inPlace;
    private long pagesSent;

    private StreamPass(StreamOrder order, @Nullable CompletableFuture<Long> inPlace) {
        this.order = order;
        this.inPlace = inPlace;
    }

    /** A round: ends with MARK; the future gets the pages sent once all of them are in place at the destination. */
    static StreamPass round(SourceSession session, CompletableFuture<Long> inPlace) {
        return new StreamPass(new SequentialOrder(session), inPlace);
    }

    /** A MARK alone, behind whatever was written before. */
    static StreamPass mark(CompletableFuture<Long> inPlace) {
        return new StreamPass(NOTHING, inPlace);
    }

    /** The last pass: ends with END. */
    static StreamPass last(StreamOrder order) {
        return new StreamPass(order, null);
    }

    boolean isLast() {
        return inPlace == null;
    }

    StreamOrder.@Nullable Run next(int maxPages) {
        return order.next(maxPages);
    }

    void count(int pages) {
        pagesSent += pages;
    }

    void succeed() {
        if (inPlace != null) {
            inPlace.complete(pagesSent);
        }
    }

    void fail(Throwable why) {
        if (inPlace != null) {
            inPlace.completeExceptionally(why);
        }
    }
}
