package org.userload.trace;

import java.io.IOException;

/** A trace that the Java heap cannot hold. The message says how far loading came and what to do. */
public final class TraceTooLargeException extends IOException {
    private static final int BYTES_PER_MIB = 1 << 20;

    TraceTooLargeException(String name, long accesses, int pages, long heapBytes, OutOfMemoryError cause) {
        super(
                name + ": does not fit in the Java heap of " + heapBytes / BYTES_PER_MIB + " MiB: stopped after "
                        + accesses + " accesses to " + pages
                        + " pages; it takes 8 bytes an access: raise -Xmx, or shorten the trace",
                cause);
    }
}
