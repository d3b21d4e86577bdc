package org.userload.trace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A program being replayed on guest memory, from any position to any later one. The same program and memory size give
 * the same checksum and the same memory everywhere, however often the replay stops in between.
 *
 * <p><b>Threads.</b> One thread at a time runs it and handles its state. Any thread may at any time call
 * {@link #requestStop()}, {@link #position()} and {@link #accessesHere()}.
 */
public final class Replay {
    private static final VarHandle STOP;
    private static final VarHandle DONE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            STOP = lookup.findVarHandle(Replay.class, "stop", boolean.class);
            DONE = lookup.findVarHandle(Replay.class, "done", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Program program;
    private final ReplayMemory memory;
    private long checksum;

    /** Position at which this replay took over, so that its own accesses can be told from those made elsewhere. */
    private volatile long start;

    @SuppressWarnings("UnusedVariable") // read and written through STOP
    private boolean stop;

    /** Accesses made by this replay. */
    @SuppressWarnings("UnusedVariable") // read and written through DONE
    private long done;

    /**
     * A replay at position 0. It expects, and does not check, that memory is filled by {@link SeededMemory}.
     *
     * @throws IllegalArgumentException if the memory is smaller than the trace needs
     */
    public Replay(Program program, ReplayMemory memory) {
        Trace trace = program.trace();
        if (memory.sizeBytes() < trace.memoryBytes()) {
            throw new IllegalArgumentException(trace.name() + " needs " + trace.memoryBytes()
                    + " bytes of guest memory, which has " + memory.sizeBytes());
        }
        this.program = program;
        this.memory = memory;
        this.checksum = ReplayArithmetic.firstChecksum(program.seed());
    }

    /** What is replayed. */
    public Program program() {
        return program;
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
        Trace trace = program.trace();
        long at = position();
        while (at < end && !isStopRequested()) {
            long inTrace = at % trace.accessCount();
            int from = (int) inTrace & Trace.CHUNK_MASK;
            long left = Math.min(end - at, trace.accessCount() - inTrace);
            int to = from + (int) Math.min(Trace.CHUNK_ACCESSES - from, left);
            long chunkStart = at - from;
            at = chunkStart + runChunk(trace.chunk((int) (inTrace >>> Trace.CHUNK_SHIFT)), chunkStart, from, to);
        }
        return at;
    }

    /** Refuses a position outside the program. */
    void requireEnd(long end) {
        if (end < 0 || end > program.accessCount()) {
            throw new IllegalArgumentException("position " + end + ", expected 0 to " + program.accessCount());
        }
    }

    /**
     * Runs accesses {@code from} to {@code to} of a chunk and returns where it stopped.
     *
     * @param chunkStart position of the chunk's first access
     */
    private int runChunk(long[] chunk, long chunkStart, int from, int to) {
        ReplayMemory target = memory;
        long doneAtChunkStart = chunkStart - start;
        long running = checksum;
        int i = from;
        try {
            while (i < to && !(boolean) STOP.getOpaque(this)) {
                long packed = chunk[i];
                running = AccessEngine.perform(
                        target,
                        Trace.guestAddressOf(packed),
                        Trace.sizeOf(packed),
                        Trace.operationCodeOf(packed),
                        running);
                i++;
                DONE.setOpaque(this, doneAtChunkStart + i);
            }
        } finally {
            checksum = running;
        }
        return i;
    }

    boolean isStopRequested() {
        return (boolean) STOP.getVolatile(this);
    }

    /** Makes the running thread stop before its next access. Stays in force until {@link #clearStop()}. Any thread. */
    public void requestStop() {
        STOP.setVolatile(this, true);
    }

    /** Takes a {@link #requestStop()} back. */
    public void clearStop() {
        STOP.setVolatile(this, false);
    }

    /** Accesses done, here or before. Any thread; while another one runs the replay, a recent value. */
    public long position() {
        return start + accessesHere();
    }

    /** Accesses done by this replay: not those before a state it took over. Any thread, like {@link #position()}. */
    public long accessesHere() {
        return (long) DONE.getOpaque(this);
    }

    /** Whether all accesses are done. Any thread, like {@link #position()}. */
    public boolean isFinished() {
        return position() == program.accessCount();
    }

    /** The running checksum. Not while another thread runs the replay. */
    public long checksum() {
        return checksum;
    }

    /** What has to move besides memory. Not while another thread runs the replay. */
    public CpuState state() {
        return new CpuState(program.fingerprint(), program.seed(), position(), checksum);
    }

    /**
     * Goes on where another replay of the same program was.
     *
     * @throws CpuStateException if the state belongs to another program
     */
    public void restore(CpuState state) {
        state.requireFor(program);
        checksum = state.checksum();
        start = state.position() - accessesHere();
    }
}
