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
}
