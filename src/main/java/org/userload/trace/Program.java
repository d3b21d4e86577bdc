package org.userload.trace;

/**
 * What a replayed guest runs: the accesses of a trace, again and again, on memory filled from a seed. It determines the
 * checksum and the memory at every position. Immutable; any thread.
 *
 * <p>Positions count from the first access of the first loop to the last of the last: 0 to {@link #accessCount()}.
 * Neither checksum nor memory starts anew with a loop.
 *
 * @param trace the accesses of one loop
 * @param loops how often the trace is run, at least 1
 * @param seed what guest memory is filled with first, see {@link SeededMemory}
 */
public record Program(Trace trace, long loops, long seed) {

    /** @throws IllegalArgumentException if there is no loop, or the accesses of all loops pass 2^63 - 1 */
    public Program {
        if (loops < 1) {
            throw new IllegalArgumentException(loops + " loops, expected at least 1");
        }
        if (loops > Long.MAX_VALUE / trace.accessCount()) {
            throw new IllegalArgumentException(loops + " loops of the " + trace.accessCount() + " accesses of "
                    + trace.name() + " are more than 2^63 - 1 accesses; give at most "
                    + Long.MAX_VALUE / trace.accessCount() + " loops");
        }
    }

    /** A trace run once. */
    public static Program once(Trace trace, long seed) {
        return new Program(trace, 1, seed);
    }

    /** Accesses of all loops, at least 1. */
    public long accessCount() {
        return loops * trace.accessCount();
    }

    /**
     * A digest of the accesses of all loops in order: that of the trace for one loop, and one of trace and loop count
     * otherwise. {@code docs/replay.md} defines it.
     */
    public long fingerprint() {
        return loops == 1 ? trace.fingerprint() : ReplayArithmetic.loopFingerprint(trace.fingerprint(), loops);
    }

    /** For people: the trace, and how often if more than once. */
    @Override
    public String toString() {
        return loops == 1 ? trace.name() : loops + " loops of " + trace.name();
    }
}
