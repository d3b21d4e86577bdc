package org.userload.memory;

/** Makes missing pages appear. The way from the page-access layer into a fault interceptor. */
@FunctionalInterface
public interface MissingPageHandler {
    /**
     * Returns when the page is in place. Called by the touching thread, which waits here.
     *
     * @param region index of the region
     * @param page index of the page in its region
     * @throws PageUnavailableException when the page can no longer be had
     */
    void awaitPage(int region, long page);

    /**
     * Makes pages zero pages that hold no host memory, whether they are in place or missing; see {@link GuestMemory#drop}.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages
     */
    default void drop(int region, long firstPage, long count) {
        throw new IllegalStateException("pages of this memory cannot be dropped while it is being paged in");
    }
}
