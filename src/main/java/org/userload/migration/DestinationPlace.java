package org.userload.migration;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.source.SourceSession;

/**
 * The one place for a destination. Whoever comes first has it; who leaves before the handover has begun makes room for
 * another. Any thread.
 */
final class DestinationPlace {
    private @Nullable SourceSession occupant;
    private boolean taken;
    private boolean closed;

    /** Whether the session has the place now. */
    synchronized boolean offer(SourceSession session) {
        if (occupant == null && !closed) {
            occupant = session;
            notifyAll();
        }
        return occupant == session;
    }

    synchronized boolean has(SourceSession session) {
        return occupant == session;
    }

    /** The session is over. Gives whether it took the guest, or was about to. */
    synchronized boolean leave(SourceSession session) {
        if (occupant != session) {
            return false;
        }
        if (!taken) {
            occupant = null;
        }
        return taken;
    }

    /** Waits for a destination. */
    void awaitAttached(Duration patience) {
        awaitAttached(new Patience(patience));
    }

    private synchronized void awaitAttached(Patience patience) {
        long deadline = System.nanoTime() + patience.longest().toNanos();
        patience.checkNotCancelled();
        while (occupant == null) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (closed || left <= 0) {
                String why = closed
                        ? "the source was closed"
                        : "none within " + patience.longest().toMillis() + " ms";
                throw new HandoverException(
                        "no destination has connected: " + why + "; the guest runs on here", true, null);
            }
            try {
                wait(Math.min(left, Patience.LOOK_MILLIS));
                patience.checkNotCancelled();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new HandoverException("interrupted before a destination came; the guest runs on here", true, e);
            }
        }
    }

    /** Waits for a destination and keeps it: from now on the place is not given to another. */
    synchronized SourceSession take(Patience patience) {
        awaitAttached(patience);
        taken = true;
        return Objects.requireNonNull(occupant);
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
