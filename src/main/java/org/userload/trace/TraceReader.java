package org.userload.trace;

import java.io.Closeable;
import java.io.IOException;

/**
 * A cursor over the accesses of one trace, in order, in constant memory and without an object per access.
 *
 * <pre>{@code
 * try (TraceReader reader = TraceFiles.open(path, TraceFormat.AUTO)) {
 *     while (reader.next()) {
 *         use(reader.operation(), reader.address(), reader.sizeBytes());
 *     }
 * }
 * }</pre>
 *
 * <p>Every access it yields is checked: its size is 1 to 4096 bytes and it ends at or below 2^64. Used by one thread.
 */
public abstract sealed class TraceReader implements Closeable permits LineReader, UltReader, SyntheticReader {
    private Operation operation = Operation.READ;
    private long address;
    private int sizeBytes;
    private long accesses;

    TraceReader() {}

    /**
     * Moves to the next access.
     *
     * @return false at the end of the trace; then every check of the format, such as a checksum, has passed
     * @throws TraceFormatException if the file is malformed, truncated or holds no access at all
     */
    public abstract boolean next() throws IOException;

    /** Address of the first byte, as the recorded program used it, unsigned. Valid after {@link #next()} was true. */
    public final long address() {
        return address;
    }

    /** Bytes accessed, 1 to 4096. Valid after {@link #next()} was true. */
    public final int sizeBytes() {
        return sizeBytes;
    }

    /** What the access does. Valid after {@link #next()} was true. */
    public final Operation operation() {
        return operation;
    }

    /** Closes the file, if there is one. Idempotent. */
    @Override
    public abstract void close() throws IOException;

    /** The next access, which has been checked. */
    final void found(Operation nextOperation, long nextAddress, int nextSizeBytes) {
        operation = nextOperation;
        address = nextAddress;
        sizeBytes = nextSizeBytes;
        accesses++;
    }

    /** Accesses yielded so far. */
    final long accessCount() {
        return accesses;
    }

    /** A trace without an access is refused in every format. */
    static TraceFormatException noAccess(String file, String expected) {
        return new TraceFormatException(file, "", "no access", expected);
    }
}
