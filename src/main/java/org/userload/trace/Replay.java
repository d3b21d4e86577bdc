package org.userload.trace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A trace being replayed on guest memory, from any position to any later one. The same trace, seed and memory size
 * give the same checksum and the same memory everywhere, however often the replay stops in between.
 *
 * <p><b>Threads.</b> One thread at a time runs it and handles its state. Any thread may at any time call
 * {@link #requestStop()} and {@link #position()}.
 */
public final class Replay {
    private static final VarHandle STOP;
    private static final VarHandle POSITION;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            STOP = lookup.findVarHandle(Replay.class, "stop", boolean.class);
            POSITION = lookup.findVarHandle(Replay.class, "position", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Trace trace;
    private final long seed;
    private final ReplayMemory memory;
    private long checksum;

    @SuppressWarnings("UnusedVariable") // read and written through STOP
    private boolean stop;

    @SuppressWarnings("UnusedVariable") // read and written through POSITION
    private long position;

    /**
     * A replay at position 0. It expects, and does not check, that memory is filled by {@link SeededMemory}.
     *
     * @throws IllegalArgumentException if the memory is smaller than the trace needs
     */
    public Replay(Trace trace, long seed, ReplayMemory memory) {
        if (memory.sizeBytes() < trace.memoryBytes()) {
            throw new IllegalArgumentException(trace.name() + " needs " + trace.memoryBytes()
                    + " bytes of guest memory, which has " + memory.sizeBytes());
        }
        this.trace = trace;
        this.seed = seed;
        this.memory = memory;
        this.checksum = ReplayArithmetic.firstChecksum(seed);
    }

    /** The trace replayed. */
    public Trace trace() {
        return trace;
    }

    /**
     * Runs until {@code end} accesses are done, or until {@link #requestStop()}; it stops between two accesses only.
     * If memory throws, the replay stays at the boundary before the failed access, part of which may have happened:
     * it can still be looked at, but running on would give another result.
     *
     * @param end position to stop before, 0 to the access count; at or before the current position nothing happens
     * @return the position reached
     */
    public long runTo(long end) {
        requireEnd(end);
        long at = position();
        while (at < end && !isStopRequested()) {
            long chunkStart = at & ~(long) Trace.CHUNK_MASK;
            int from = (int) (at - chunkStart);
            int to = (int) Math.min(Trace.CHUNK_ACCESSES, end - chunkStart);
            at = chunkStart + runChunk(trace.chunk((int) (chunkStart >>> Trace.CHUNK_SHIFT)), chunkStart, from, to);
        }
        return at;
    }

    /** Refuses a position outside the trace. */
    void requireEnd(long end) {
        if (end < 0 || end > trace.accessCount()) {
            throw new IllegalArgumentException("position " + end + ", expected 0 to " + trace.accessCount());
        }
    }

    /** Runs accesses {@code from} to {@code to} of a chunk and returns where it stopped. */
    private int runChunk(long[] chunk, long chunkStart, int from, int to) {
        ReplayMemory target = memory;
        long running = checksum;
        int i = from;
        try {
            while (i < to && !isStopRequested()) {
                long packed = chunk[i];
                running = AccessEngine.perform(
                        target,
                        Trace.guestAddressOf(packed),
                        Trace.sizeOf(packed),
                        Trace.operationCodeOf(packed),
                        running);
                i++;
                POSITION.setOpaque(this, chunkStart + i);
            }
        } finally {
            checksum = running;
        }
        return i;
    }

    private boolean isStopRequested() {
        return (boolean) STOP.getOpaque(this);
    }

    /** Makes the running thread stop before its next access. Stays in force until {@link #clearStop()}. Any thread. */
    public void requestStop() {
        STOP.setVolatile(this, true);
    }

    /** Takes a {@link #requestStop()} back. */
    public void clearStop() {
        STOP.setVolatile(this, false);
    }

    /** Accesses done. Any thread; while another one runs the replay, a recent value. */
    public long position() {
        return (long) POSITION.getOpaque(this);
    }

    /** Whether all accesses are done. Any thread, like {@link #position()}. */
    public boolean isFinished() {
        return position() == trace.accessCount();
    }

    /** The running checksum. Not while another thread runs the replay. */
    public long checksum() {
        return checksum;
    }

    /** What has to move besides memory. Not while another thread runs the replay. */
    public CpuState state() {
        return new CpuState(trace.fingerprint(), seed, position(), checksum);
    }

    /**
     * Goes on where another replay of the same trace and seed was.
     *
     * @throws CpuStateException if the state belongs to another trace or seed
     */
    public void restore(CpuState state) {
        state.requireFor(trace, seed);
        checksum = state.checksum();
        POSITION.setVolatile(this, state.position());
    }
}
