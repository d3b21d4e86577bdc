package org.userload.trace;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.userload.hint.FreePageReporter;
import org.userload.migration.Guest;

/**
 * A guest that replays a program in a thread of its own, at full speed or at a given rate: it can pause at an access
 * boundary, save its CPU state, take over the state of another one, and resume.
 *
 * <pre>
 *            resume             last access
 *   PAUSED ──────────> RUNNING ────────────> FINISHED
 *     ^  <──────────────  │
 *     └──     pause       └── memory threw ──> FAILED          close, from anywhere ──> CLOSED
 * </pre>
 *
 * <p><b>Threads.</b> The guest thread, {@code userload-guest}, is the only one that touches guest memory; it is created
 * by the first {@link #resume()} or {@link #restoreCpuState}, parked while paused so that resuming is one wake-up, and
 * ends with the workload. It is a daemon. All methods may be called from any other thread. One lock guards the state;
 * the guest thread holds it at state changes only, never during an access.
 *
 * <p><b>Pausing</b> ends a sleep between accesses, and waits for the access at hand, which may itself wait for a missing
 * page, at most until the memory gives up with an error. Nobody whom that page needs may call {@link #pause()}.
 */
public final class Workload implements Guest, AutoCloseable {
    /** How long a pausing thread spins before it blocks: most pauses take one access. */
    private static final long PAUSE_SPIN_NS = 50_000;

    /** What the guest is doing. */
    public enum State {
        /** Not running, may be resumed: at first, and after a pause. */
        PAUSED,
        /** The guest thread performs accesses. */
        RUNNING,
        /** All accesses are done. */
        FINISHED,
        /** Guest memory threw; {@link Workload#completion()} has the cause. */
        FAILED,
        /** Closed; nothing can be done any more. */
        CLOSED
    }

    private final Replay replay;
    private final Pacer pacer;
    private final @Nullable FreePageReporter freePages;
    private final CompletableFuture<CpuState> completion = new CompletableFuture<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Written under the lock. */
    private volatile State state = State.PAUSED;

    /** How often the guest has stopped running. Written under the lock. */
    private volatile long stops;

    /** Guarded by the lock. */
    private boolean threadStarted;

    /** Whether the guest thread is to run, as opposed to {@link #runTo}'s caller. Guarded by the lock. */
    private boolean threadResumed;

    /**
     * A paused guest at position 0.
     *
     * @param memory filled from the program's seed, see {@link SeededMemory}; not checked
     * @throws IllegalArgumentException if the memory is smaller than the trace needs
     */
    public Workload(Program program, AccessRate rate, ReplayMemory memory) {
        this(program, rate, memory, Pacer.Clock.SYSTEM);
    }

    /**
     * As {@link #Workload(Program, AccessRate, ReplayMemory)}, a guest that can be asked for its free pages.
     *
     * @param freePages the caller's, open as long as the guest may move
     */
    public Workload(Program program, AccessRate rate, ReplayMemory memory, FreePageReporter freePages) {
        this(program, rate, memory, Pacer.Clock.SYSTEM, freePages);
    }

    Workload(Program program, AccessRate rate, ReplayMemory memory, Pacer.Clock clock) {
        this(program, rate, memory, clock, null);
    }

    private Workload(
            Program program,
            AccessRate rate,
            ReplayMemory memory,
            Pacer.Clock clock,
            @Nullable FreePageReporter freePages) {
        this.replay = new Replay(program, memory);
        this.pacer = new Pacer(replay, rate, clock);
        this.freePages = freePages;
    }

    /**
     * Runs in the calling thread until {@code position} accesses are done, and is paused (or finished) again.
     *
     * <p>What guest memory throws fails the guest and comes out here.
     *
     * @param position 0 to the program's access count; at or before the current position nothing happens
     * @throws IllegalStateException if the guest is not paused
     */
    public void runTo(long position) {
        replay.requireEnd(position);
        lock.lock();
        try {
            require(State.PAUSED);
            replay.clearStop();
            state = State.RUNNING;
        } finally {
            lock.unlock();
        }
        Throwable failure = runAndSettle(position);
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }

    /**
     * Lets the guest thread run on from where the guest is. A guest that has no access left finishes at once; for one that
     * has finished nothing happens.
     *
     * @throws IllegalStateException if the guest is neither paused nor finished
     */
    @Override
    public void resume() {
        lock.lock();
        try {
            if (state == State.FINISHED) {
                return;
            }
            require(State.PAUSED);
            startThread();
            replay.clearStop();
            threadResumed = true;
            state = State.RUNNING;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Stops the guest between two accesses. When it returns, no access is under way and none will be made until
     * {@link #resume()}. Does nothing if the guest is not running. An interrupt does not end the waiting and is kept.
     */
    @Override
    public void pause() {
        long stopsBefore;
        lock.lock();
        try {
            if (state != State.RUNNING) {
                return;
            }
            stopsBefore = stops;
            pacer.stop();
        } finally {
            lock.unlock();
        }
        awaitStop(stopsBefore);
    }

    private void awaitStop(long stopsBefore) {
        long start = System.nanoTime();
        while (stops == stopsBefore && System.nanoTime() - start < PAUSE_SPIN_NS) {
            Thread.onSpinWait();
        }
        lock.lock();
        try {
            while (stops == stopsBefore) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean writesThroughGuestMemoryOnly() {
        return true;
    }

    /** Empty for a guest that cannot be asked. */
    @Override
    public Optional<FreePageReporter> freePageReporter() {
        return Optional.ofNullable(freePages);
    }

    /**
     * Position and checksum, with what tells the program they belong to: see {@link CpuState}.
     *
     * @throws IllegalStateException if the guest is neither paused nor finished
     */
    @Override
    public byte[] saveCpuState() {
        lock.lock();
        try {
            if (state != State.FINISHED) {
                require(State.PAUSED);
            }
            return replay.state().toBytes();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes over what {@link #saveCpuState()} saved, here or in another process.
     *
     * @throws CpuStateException if the bytes are damaged or belong to another program
     * @throws IllegalStateException if the guest is not paused
     */
    @Override
    public void restoreCpuState(byte[] saved) {
        CpuState restored = CpuState.fromBytes(saved);
        lock.lock();
        try {
            require(State.PAUSED);
            replay.restore(restored);
            startThread();
        } finally {
            lock.unlock();
        }
    }

    /** What the guest is doing. */
    public State state() {
        return state;
    }

    /** Accesses done; while the guest runs, a recent value. Cheap. */
    public long position() {
        return replay.position();
    }

    /** Accesses done by this guest: not those before a state it took over. As cheap as {@link #position()}. */
    public long accessesHere() {
        return replay.accessesHere();
    }

    /** What the guest runs. */
    public Program program() {
        return replay.program();
    }

    /**
     * Completes with the last CPU state when all accesses are done, exceptionally with what guest memory threw, or with
     * {@link IllegalStateException} if the workload is closed before. Dependents may run in the guest thread.
     */
    public CompletableFuture<CpuState> completion() {
        return completion.copy();
    }

    private void startThread() {
        if (!threadStarted) {
            threadStarted = true;
            Thread thread = new Thread(this::serve, "userload-guest");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** The guest thread: runs whenever it is resumed. */
    private void serve() {
        while (awaitResumed()) {
            runAndSettle(replay.program().accessCount());
        }
    }

    private boolean awaitResumed() {
        lock.lock();
        try {
            while (!threadResumed && !hasEnded()) {
                changed.awaitUninterruptibly();
            }
            boolean run = threadResumed;
            threadResumed = false;
            return run;
        } finally {
            lock.unlock();
        }
    }

    private boolean hasEnded() {
        return state != State.PAUSED && state != State.RUNNING;
    }

    private @Nullable Throwable runAndSettle(long end) {
        try {
            pacer.runTo(end);
        } catch (RuntimeException | Error e) {
            settle(State.FAILED);
            completion.completeExceptionally(e);
            return e;
        }
        boolean finished = replay.isFinished();
        settle(finished ? State.FINISHED : State.PAUSED);
        if (finished) {
            completion.complete(replay.state());
        }
        return null;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // the lock is held
    private void settle(State next) {
        lock.lock();
        try {
            state = next;
            stops++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void require(State expected) {
        if (state != expected) {
            throw new IllegalStateException("the guest is " + state + ", expected " + expected);
        }
    }

    /** Stops the guest, waiting like {@link #pause()}, and ends its thread. Idempotent. */
    @Override
    public void close() {
        boolean unfinished;
        lock.lock();
        try {
            while (state == State.RUNNING) {
                pacer.stop();
                changed.awaitUninterruptibly();
            }
            unfinished = state == State.PAUSED;
            state = State.CLOSED;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (unfinished) {
            completion.completeExceptionally(new IllegalStateException("the guest was closed"));
        }
    }
}
