package org.userload.trace;

import org.userload.memory.GuestMemory;

/** Touches guest memory as a trace does, without changing it: each access waits for its pages. */
public final class TraceTouches {
    private TraceTouches() {}

    /**
     * Touches every page of every access, in order, in the calling thread.
     *
     * @throws IllegalArgumentException when the trace touches more pages than the memory has
     */
    public static void replay(Trace trace, GuestMemory memory) {
        long available = memory.region(0).pageCount();
        if (trace.pageCount() > available) {
            throw new IllegalArgumentException("the trace " + trace.name() + " touches " + trace.pageCount()
                    + " pages, but the first region of the image has " + available);
        }
        long base = memory.region(0).guestAddress();
        for (long i = 0; i < trace.accessCount(); i++) {
            long address = trace.guestAddress(i);
            memory.touch(base + address);
            memory.touch(base + address + trace.sizeBytes(i) - 1);
        }
    }
}
