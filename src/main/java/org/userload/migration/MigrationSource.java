package org.userload.migration;

import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.userload.dirty.TrackerChoice;
import org.userload.hint.FreePages;
import org.userload.memory.GuestMemory;
import org.userload.source.EncodingStatistics;
import org.userload.source.LivePageSource;
import org.userload.source.PageEncoding;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.source.SourceSession;
import org.userload.transport.Endpoint;

/**
 * The source side of a migration: offers a running guest, moves it once as its {@link MigrationPlan} says, and serves
 * its memory until the destination has all of it.
 *
 * <p><b>One owner of the guest.</b> Until COMMIT is sent the guest is here: whatever goes wrong, it runs on. From then
 * on it is the destination's: it never runs here again, even if the connection is lost before the destination confirms.
 *
 * <p><b>Threads.</b> {@link #migrate} by one thread, once; the rest by any. <b>Ownership.</b> Owns its server; guest and
 * memory stay the caller's and must outlive it.
 */
public final class MigrationSource implements AutoCloseable {
    private static final Patience CANCELLED_BEFORE = Patience.cancelledBefore();

    private final Guest guest;
    private final GuestMemory memory;
    private final MigrationPlan plan;
    private final FreePages free;
    private final LivePageSource pages;
    private final PageServer server;
    private final DestinationPlace place = new DestinationPlace();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Long> started = new CompletableFuture<>();
    private final CompletableFuture<Void> completion = new CompletableFuture<>();
    private final AtomicReference<@Nullable Patience> migrating = new AtomicReference<>();
    private volatile @Nullable MigrationReport report;
    private volatile @Nullable Departure departure;
    private volatile long readyNanos;

    private MigrationSource(ServerConfig config, Guest guest, GuestMemory memory, MigrationPlan plan)
            throws IOException {
        this.guest = guest;
        this.memory = memory;
        this.plan = plan;
        this.free = new FreePages(memory.table(), plan.poison());
        this.pages = new LivePageSource(memory, "the migrating guest");
        try {
            this.server = PageServer.serveGuest(
                    plan.mode().tracksWrites() ? config : withoutDeltas(config),
                    pages,
                    plan.mode().hasRounds(),
                    free,
                    new Events());
        } catch (IOException | RuntimeException e) {
            pages.close();
            throw e;
        }
    }

    /**
     * Listens for the destination.
     *
     * @throws IOException when the address cannot be listened on
     */
    public static MigrationSource listen(Endpoint endpoint, Guest guest, GuestMemory memory, MigrationPlan plan)
            throws IOException {
        return listen(ServerConfig.at(endpoint), guest, memory, plan);
    }

    /** As {@link #listen(Endpoint, Guest, GuestMemory, MigrationPlan)}, configured. */
    public static MigrationSource listen(ServerConfig config, Guest guest, GuestMemory memory, MigrationPlan plan)
            throws IOException {
        return new MigrationSource(config, guest, memory, plan);
    }

    private static ServerConfig withoutDeltas(ServerConfig config) {
        return config.withEncoding(new PageEncoding(config.encoding().compression(), 0));
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
     * Waits for the destination, sends memory as the plan says, pauses the guest and hands it over. The guest should be
     * running.
     *
     * @param longest how long to wait for the destination at each step; a round may take longer while pages arrive
     * @return downtime in microseconds: from the pause here until the guest ran there
     * @throws HandoverException when the guest was not handed over; it says where the guest is
     * @throws IllegalStateException when it was called before
     */
    public long migrate(Duration longest) {
        Patience patience = new Patience(longest);
        if (!migrating.compareAndSet(null, patience)) {
            Patience before = migrating.get();
            if (before == CANCELLED_BEFORE) {
                before.checkNotCancelled();
            }
            throw new IllegalStateException("a source migrates its guest once");
        }
        SourceSession session = place.take(patience);
        Departure begun = new Departure(guest, memory, plan, free, session, patience);
        departure = begun;
        try (begun) {
            try {
                begun.untilCommit(ready);
            } catch (HandoverException | Error e) {
                begun.callOff(e);
                throw e;
            } catch (RuntimeException e) {
                HandoverException notMoved = notMoved(e);
                begun.callOff(notMoved);
                throw notMoved;
            } finally {
                report = begun.report();
            }
            session.release();
            session.sendCommit(begun.microsSincePause(), microsSince(readyNanos));
            return patience.awaitCommitted(started, "has not confirmed that it runs the guest");
        }
    }

    /** Writes that cannot be tracked, a guest that cannot be paused or saved. */
    private static HandoverException notMoved(Throwable cause) {
        return new HandoverException("the guest was not moved: " + cause.getMessage(), true, cause);
    }

    /**
     * Calls a migration off: the guest runs on here, and {@link #migrate} throws, also when it is called after this.
     *
     * @return whether it came in time; false when the guest is already the destination's
     */
    public boolean cancel() {
        if (migrating.compareAndSet(null, CANCELLED_BEFORE)) {
            return true;
        }
        return Objects.requireNonNull(migrating.get()).cancel();
    }

    /** What happened in the migration, as far as it has got; null before {@link #migrate} is through with its rounds. */
    public @Nullable MigrationReport report() {
        return report;
    }

    /**
     * Which pages need not be read. Whoever drops pages of the guest while it moves says so here. Pages that were dropped before
     * are ordinary pages, zero when they are looked at.
     */
    public FreePages freePages() {
        return free;
    }

    /** Pages sent as runs of free ones so far. */
    public long freePagesSent() {
        SourceSession session = place.occupant();
        return session == null ? 0 : session.freePages();
    }

    /** Pages given up here so far because they are in place at the destination. */
    public long givenUpPages() {
        SourceSession session = place.occupant();
        return session == null ? 0 : session.givenUpPages();
    }

    /** What encoding has done to the pages so far; null before a destination has come. */
    public @Nullable EncodingStatistics encodingStatistics() {
        SourceSession session = place.occupant();
        return session == null ? null : session.encodingStatistics();
    }

    /** Completes when the destination has every page, or with the error that ended the session. */
    public CompletableFuture<Void> completion() {
        return completion;
    }

    private static long microsSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - nanos);
    }

    /** Where tracking is left open, a tracker that could miss writes of this guest is no choice. */
    static TrackerChoice trackerFor(MigrationPlan plan, Guest guest) {
        boolean mayFallBack = plan.tracker() != TrackerChoice.AUTO || guest.writesThroughGuestMemoryOnly();
        return mayFallBack ? plan.tracker() : TrackerChoice.UFFD_WP;
    }

    /** Ends the session and its threads. A destination that still needs pages loses them. */
    @Override
    public void close() {
        server.close();
        pages.close();
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
                readyNanos = System.nanoTime();
                ready.complete(null);
            }
        }

        @Override
        public void started(SourceSession session, long downtimeMicros) {
            if (place.has(session)) {
                started.complete(downtimeMicros);
                if (session.hasRounds() && session.unsentPages() > 0) {
                    session.stream().sendRest();
                }
            }
        }

        @Override
        public void completed(SourceSession session) {
            if (place.has(session)) {
                // COMPLETE may overtake STARTED, and says as much.
                started.complete(Objects.requireNonNull(departure).microsSincePause());
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
