package org.userload.dirty;

/** Takes runs of written pages from {@link DirtyTracker#collect}. Must not throw and must not write guest memory. */
@FunctionalInterface
public interface DirtySink {
    /**
     * Pages were written.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages, at least 1
     */
    void dirty(int region, long firstPage, long count);
}
