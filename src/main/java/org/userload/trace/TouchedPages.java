package org.userload.trace;

import java.util.BitSet;

/** Which pages a program touches from a position on. */
public final class TouchedPages {
    private TouchedPages() {}

    /**
     * The pages of guest memory that accesses from {@code position} to the end touch.
     *
     * @param position 0 to the program's access count
     */
    public static BitSet of(Program program, long position) {
        Trace trace = program.trace();
        BitSet pages = new BitSet(trace.pageCount());
        if (program.accessCount() - position >= trace.accessCount()) {
            pages.set(0, trace.pageCount());
            return pages;
        }
        for (long at = position; at < program.accessCount(); at++) {
            long inTrace = at % trace.accessCount();
            long first = trace.guestAddress(inTrace);
            pages.set((int) (first >>> Trace.PAGE_SHIFT));
            pages.set((int) ((first + trace.sizeBytes(inTrace) - 1) >>> Trace.PAGE_SHIFT));
        }
        return pages;
    }
}
