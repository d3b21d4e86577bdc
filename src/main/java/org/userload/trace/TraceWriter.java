package org.userload.trace;

import java.io.Closeable;
import java.io.IOException;

/**
 * Writes a trace, access by access, in constant memory. {@link #finish()} completes the file; closing a writer that is
 * not finished leaves a file that its reader refuses or that is visibly incomplete. Used by one thread.
 */
public sealed interface TraceWriter extends Closeable permits UltWriter, CsvWriter {
    /**
     * Appends one access.
     *
     * @param address first byte, unsigned; the access must end at or below 2^64
     * @param sizeBytes 1 to 4096
     * @throws IllegalArgumentException if the size or the end is out of range
     */
    void write(Operation operation, long address, int sizeBytes) throws IOException;

    /** Accesses written so far. */
    long accessCount();

    /**
     * Writes what ends the format and flushes. Nothing can be written afterwards.
     *
     * @throws IllegalStateException if there was no access, because no reader accepts such a trace
     */
    void finish() throws IOException;

    /** Closes the file. Idempotent. */
    @Override
    void close() throws IOException;
}
