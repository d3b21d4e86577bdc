package org.userload.trace;

import java.io.Closeable;
import java.io.IOException;

/**
 * A cursor over the accesses of one trace file, in order, in constant memory and without an object per access.
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
public sealed interface TraceReader extends Closeable permits LackeyReader, CsvReader, UltReader {
    /**
     * Moves to the next access.
     *
     * @return false at the end of the trace; then every check of the format, such as a checksum, has passed
     * @throws TraceFormatException if the file is malformed, truncated or holds no access at all
     */
    boolean next() throws IOException;

    /** Address of the first byte, as the recorded program used it, unsigned. Valid after {@link #next()} was true. */
    long address();

    /** Bytes accessed, 1 to 4096. Valid after {@link #next()} was true. */
    int sizeBytes();

    /** What the access does. Valid after {@link #next()} was true. */
    Operation operation();

    /** The format being read, never {@link TraceFormat#AUTO}. */
    TraceFormat format();

    /** Closes the file. Idempotent. */
    @Override
    void close() throws IOException;
}
