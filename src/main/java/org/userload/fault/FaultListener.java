package org.userload.fault;

/**
 * Hears of faults. Called on the fault loop only, so an implementation needs no locks of its own; except for what threads
 * have fetched themselves, which comes on any thread.
 */
public interface FaultListener {
    /** A thread waits for this page. May be called again for a page that is already being fetched. */
    void pageFault(int region, long page);

    /** The batch of faults is at its end: send what was gathered. */
    void faultsDelivered();

    /**
     * Pages were dropped by their user and are zeros from now on; their old content must never be installed.
     *
     * @param neverReceived how many of them had not been received
     */
    void pagesRemoved(long neverReceived);

    /** Threads have fetched and installed these pages themselves, and this is the first that is told of it. Any thread. */
    default void pagesFetched(int region, long firstPage, int count) {}

    /**
     * What else threads that fetch pages themselves have done. Any thread.
     *
     * @param requests pages more that have come because they were asked for
     * @param duplicates of these, pages that came when they were in place
     * @param wireBytes bytes of frames more, both ways
     */
    default void fetchedBeside(long requests, long duplicates, long wireBytes) {}
}
