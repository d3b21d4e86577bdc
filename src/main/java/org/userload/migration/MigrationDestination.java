package org.userload.migration;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.userload.destination.ControlListener;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;

/**
 * The destination side of a migration, whatever its mode: takes a guest over and runs it at once, while what is missing
 * of its memory follows.
 *
 * <p>The guest is restored on a thread of its own, not on the loops that serve faults, and resumed only on COMMIT. If
 * the connection ends before COMMIT arrives the guest is not run here.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> Owns the {@link Destination} and with it the memory; the guest made by the
 * factory stays the caller's, who pauses or closes it before closing this.
 */
public final class MigrationDestination implements AutoCloseable {
    private static final int CHECKS_PER_DEADLINE = 10;

    private final GuestFactory factory;
    private final Duration deadline;
    private final ScheduledExecutorService handover =
            Executors.newSingleThreadScheduledExecutor(MigrationDestination::handoverThread);
    private final CompletableFuture<Resumed> resumed = new CompletableFuture<>();
    private final CompletableFuture<Destination> opened = new CompletableFuture<>();
    private final Destination destination;

    /** Whoever leaves WAITING decides whether the guest runs here; from RUNNING on only the session can fail. */
    private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.WAITING);

    private enum Phase {
        WAITING,
        RUNNING,
        REFUSED
    }

    /** Touched on the handover thread only. */
    private Prepared prepared = Prepared.NONE;

    /**
     * The guest runs here.
     *
     * @param guest the guest
     * @param downtimeMicros from the pause at the source until it ran here; the way of COMMIT counts as half a round trip
     * @param pausedNanos {@link System#nanoTime()} of this JVM at the pause, by the same reckoning
     */
    public record Resumed(Guest guest, long downtimeMicros, long pausedNanos) {
        /** {@link System#nanoTime()} of this JVM when the guest was resumed. */
        public long resumedNanos() {
            return pausedNanos + TimeUnit.MICROSECONDS.toNanos(downtimeMicros);
        }
    }

    private record Prepared(@Nullable Guest guest, long sourceMicros, long receivedNanos, long readyNanos) {
        static final Prepared NONE = new Prepared(null, 0, 0, 0);
    }

    private MigrationDestination(DestinationConfig config, GuestFactory factory) throws IOException {
        this.factory = factory;
        this.deadline = config.deadline();
        try {
            this.destination = Destination.open(config.withStreamAtOnce(false), new Events());
        } catch (IOException | RuntimeException e) {
            opened.completeExceptionally(e);
            handover.shutdownNow();
            throw e;
        }
        opened.complete(destination);
    }

    /**
     * Connects to a migrating source. The guest comes when the source hands it over.
     *
     * @throws IOException when the source cannot be reached
     */
    public static MigrationDestination open(DestinationConfig config, GuestFactory factory) throws IOException {
        return new MigrationDestination(config, factory);
    }

    /** The session and its memory. */
    public Destination destination() {
        return destination;
    }

    /** Completes when the guest runs here; with {@link HandoverException} when it does not come. */
    public CompletableFuture<Resumed> resumed() {
        return resumed;
    }

    /** Completes when every page is in place, or with the error. */
    public CompletableFuture<DestinationStatistics> completion() {
        return destination.completion();
    }

    private static Thread handoverThread(Runnable work) {
        Thread thread = new Thread(work, "userload-handover");
        thread.setDaemon(true);
        return thread;
    }

    private void restore(byte[] cpuState, long sourceMicros, long receivedNanos) {
        Destination mine = opened.join();
        try {
            Guest guest = factory.create(mine.memory());
            guest.restoreCpuState(cpuState);
            prepared = new Prepared(guest, sourceMicros, receivedNanos, System.nanoTime());
            mine.sendReady();
            awaitCommit(System.nanoTime(), mine.wireBytes());
        } catch (RuntimeException | Error e) {
            mine.sendAbort("the guest cannot be restored: " + e);
            refuse("the guest cannot be restored: " + e, e);
        }
    }

    /**
     * A source that is silent after READY is given up, as one that does not answer requests. The last pages may take their
     * time.
     */
    private void awaitCommit(long heardNanos, long bytesHeard) {
        long period = Math.max(deadline.toNanos() / CHECKS_PER_DEADLINE, 1);
        var unused = handover.schedule(() -> checkSilence(heardNanos, bytesHeard), period, TimeUnit.NANOSECONDS);
    }

    private void checkSilence(long heardNanos, long bytesHeard) {
        if (phase.get() != Phase.WAITING) {
            return;
        }
        long bytes = destination.wireBytes();
        long now = System.nanoTime();
        if (bytes != bytesHeard) {
            awaitCommit(now, bytes);
        } else if (now - heardNanos < deadline.toNanos()) {
            awaitCommit(heardNanos, bytesHeard);
        } else {
            refuse("the source has not committed the handover within " + deadline.toMillis() + " ms", null);
            destination.close();
        }
    }

    private void run(long sourceMicros, long sourceWaitedMicros, long receivedNanos) {
        Guest guest = prepared.guest;
        if (guest == null) {
            refuse("the source committed a guest that it had not sent", null);
            return;
        }
        if (!phase.compareAndSet(Phase.WAITING, Phase.RUNNING)) {
            return;
        }
        destination.endRounds();
        try {
            guest.resume();
        } catch (RuntimeException | Error e) {
            resumed.completeExceptionally(
                    new HandoverException("the guest was handed over, but cannot be resumed: " + e, false, e));
            destination.close();
            return;
        }
        long now = System.nanoTime();
        long roundTripMicros = sourceMicros
                - sourceWaitedMicros
                - prepared.sourceMicros
                - micros(prepared.readyNanos - prepared.receivedNanos);
        long downtimeMicros = sourceMicros + Math.max(roundTripMicros / 2, 0) + micros(now - receivedNanos);
        resumed.complete(new Resumed(guest, downtimeMicros, now - TimeUnit.MICROSECONDS.toNanos(downtimeMicros)));
        destination.sendStarted(downtimeMicros);
        destination.startStream();
    }

    private static long micros(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(nanos);
    }

    private void refuse(String why, @Nullable Throwable cause) {
        if (phase.compareAndSet(Phase.WAITING, Phase.REFUSED)) {
            resumed.completeExceptionally(new HandoverException(why, false, cause));
        }
    }

    /** Ends the session and frees the memory. Idempotent. */
    @Override
    public void close() {
        refuse("the destination was closed", null);
        handover.shutdownNow();
        destination.close();
    }

    /** What the control loop tells; the work is done on the handover thread. */
    private final class Events implements ControlListener {
        @Override
        public void prepare(byte[] cpuState, long microsSincePause) {
            long received = System.nanoTime();
            handover.execute(() -> restore(cpuState, microsSincePause, received));
        }

        @Override
        public void commit(long microsSincePause, long microsSinceReady) {
            long received = System.nanoTime();
            handover.execute(() -> run(microsSincePause, microsSinceReady, received));
        }

        @Override
        public void aborted(String why) {
            refuse("the source called the handover off: " + why, null);
        }

        @Override
        public void failed(Throwable reason) {
            refuse("the session failed before the guest was handed over: " + reason.getMessage(), reason);
        }
    }
}
