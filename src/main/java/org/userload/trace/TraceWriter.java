package org.userload.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes a trace, access by access, in constant memory. {@link #finish()} completes the file; closing a writer that is
 * not finished leaves a file that its reader refuses or that is visibly incomplete. Used by one thread.
 */
public abstract sealed class TraceWriter implements Closeable permits UltWriter, CsvWriter {
    /** Where the format's bytes go. */
    final OutputStream out;

    private long accesses;
    private boolean finished;

    TraceWriter(OutputStream out) {
        this.out = out;
    }

    /**
     * Appends one access.
     *
     * @param address first byte, unsigned; the access must end at or below 2^64
     * @param sizeBytes 1 to 4096
     * @throws IllegalArgumentException if the size or the end is out of range
     * @throws IllegalStateException if the trace is finished
     */
    public final void write(Operation operation, long address, int sizeBytes) throws IOException {
        Access.check(address, sizeBytes);
        if (finished) {
            throw new IllegalStateException("the trace is finished");
        }
        append(operation, address, sizeBytes);
        accesses++;
    }

    /** Appends an access that has been checked. */
    abstract void append(Operation operation, long address, int sizeBytes) throws IOException;

    /** Accesses written so far. */
    public final long accessCount() {
        return accesses;
    }

    /**
     * Writes what ends the format and flushes. Nothing can be written afterwards. Idempotent.
     *
     * @throws IllegalStateException if there was no access, because no reader accepts such a trace
     */
    public final void finish() throws IOException {
        if (accesses == 0) {
            throw new IllegalStateException("a trace needs at least one access");
        }
        if (!finished) {
            finished = true;
            end();
            out.flush();
        }
    }

    /** Writes what is buffered and what ends the format. */
    abstract void end() throws IOException;

    /** Closes the file. Idempotent. */
    @Override
    public final void close() throws IOException {
        out.close();
    }
}
