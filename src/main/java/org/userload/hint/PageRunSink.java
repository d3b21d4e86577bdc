package org.userload.hint;

/** Takes runs of pages. */
@FunctionalInterface
public interface PageRunSink {
    /**
     * Some pages.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages, at least 1
     */
    void run(int region, long firstPage, long count);
}
