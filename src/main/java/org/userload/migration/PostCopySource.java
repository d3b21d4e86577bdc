package org.userload.migration;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.source.SourceSession;
import org.userload.transport.Endpoint;

/**
 * The source side of a post-copy migration: offers a running guest, hands it over once, and serves its memory until the
 * destination has all of it.
 *
 * <p><b>One owner of the guest.</b> Until COMMIT is sent the guest is here: whatever goes wrong, it runs on. From then
 * on it is the destination's: it never runs here again, even if the connection is lost before the destination confirms.
 *
 * <p><b>Threads.</b> {@link #migrate} by one thread, once; the rest by any. <b>Ownership.</b> Owns its server; guest and
 * memory stay the caller's and must outlive it.
 */
public final class PostCopySource implements AutoCloseable {
    private final Guest guest;
    private final PageServer server;
    private final DestinationPlace place = new DestinationPlace();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Long> started = new CompletableFuture<>();
    private final CompletableFuture<Void> completion = new CompletableFuture<>();
    private volatile long pausedNanos;

    private PostCopySource(ServerConfig config, Guest guest, GuestMemory memory) throws IOException {
        this.guest = guest;
        LivePageSource pages = new LivePageSource(memory, "the migrating guest");
        this.server = PageServer.serveAfterRelease(config, pages, new Events());
    }

    /**
     * Listens for the destination.
     *
     * @throws IOException when the address cannot be listened on
     */
    public static PostCopySource listen(Endpoint endpoint, Guest guest, GuestMemory memory) throws IOException {
        return listen(ServerConfig.at(endpoint), guest, memory);
    }

    /** As {@link #listen(Endpoint, Guest, GuestMemory)}, configured. */
    public static PostCopySource listen(ServerConfig config, Guest guest, GuestMemory memory) throws IOException {
        return new PostCopySource(config, guest, memory);
    }

    /** Where it listens. */
    public Endpoint endpoint() {
        return server.endpoint();
    }

    /**
     * Waits until a destination has connected.
     *
     * @throws HandoverException when none has in time
     */
    public void awaitDestination(Duration patience) {
        place.awaitAttached(patience);
    }

    /**
     * Waits for the destination, pauses the guest and hands it over. The guest should be running.
     *
     * @param patience how long to wait for the destination at each step
     * @return downtime in microseconds: from the pause here until the guest ran there
     * @throws HandoverException when the guest was not handed over; it says where the guest is
     */
    public long migrate(Duration patience) {
        SourceSession session = place.take(patience);
        pausedNanos = System.nanoTime();
        try {
            guest.pause();
            session.sendPrepare(guest.saveCpuState(), microsSince(pausedNanos));
            await(ready, patience, "the destination did not take the guest", true);
        } catch (RuntimeException | Error e) {
            takeBack(e);
            session.sendAbort(String.valueOf(e.getMessage()));
            session.close();
            throw e;
        }
        session.release();
        session.sendCommit(microsSince(pausedNanos));
        return await(started, patience, "the destination has not confirmed that it runs the guest", false);
    }

    private void takeBack(Throwable why) {
        try {
            guest.resume();
        } catch (RuntimeException e) {
            why.addSuppressed(e);
        }
    }

    /** Completes when the destination has every page, or with the error that ended the session. */
    public CompletableFuture<Void> completion() {
        return completion;
    }

    private static long microsSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - nanos);
    }

    private static <T> T await(CompletableFuture<T> future, Duration patience, String problem, boolean guestIsHere) {
        String where = guestIsHere ? "; the guest runs on here" : "; the guest stays paused here and may run there";
        try {
            return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new HandoverException(problem + " within " + patience.toMillis() + " ms" + where, guestIsHere, e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new HandoverException(problem + ": " + cause.getMessage() + where, guestIsHere, cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HandoverException(problem + " before the interrupt" + where, guestIsHere, e);
        }
    }

    /** Ends the session and its threads. A destination that still needs pages loses them. */
    @Override
    public void close() {
        server.close();
        IOException closed = new IOException("the source was closed");
        place.close();
        ready.completeExceptionally(closed);
        started.completeExceptionally(closed);
        completion.completeExceptionally(closed);
    }

    /** What the control loop tells; only the first destination counts. */
    private final class Events implements ServerListener {
        @Override
        public void attached(SourceSession session) {
            if (!place.offer(session)) {
                session.sendAbort("the guest has another destination");
                session.close();
            }
        }

        @Override
        public void ready(SourceSession session) {
            if (place.has(session)) {
                ready.complete(null);
            }
        }

        @Override
        public void started(SourceSession session, long downtimeMicros) {
            if (place.has(session)) {
                started.complete(downtimeMicros);
            }
        }

        @Override
        public void completed(SourceSession session) {
            if (place.has(session)) {
                // COMPLETE may overtake STARTED, and says as much.
                started.complete(microsSince(pausedNanos));
                completion.complete(null);
            }
        }

        @Override
        public void ended(SourceSession session, @Nullable Throwable problem) {
            if (place.leave(session)) {
                Throwable reason = problem == null ? new IOException("the session is over") : problem;
                ready.completeExceptionally(reason);
                started.completeExceptionally(reason);
                completion.completeExceptionally(reason);
            }
        }
    }
}
