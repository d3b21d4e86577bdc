package org.userload.fault;

/** Hears of faults. Called on the fault loop only, so an implementation needs no locks of its own. */
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
}
