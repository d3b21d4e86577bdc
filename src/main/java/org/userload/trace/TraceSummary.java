package org.userload.trace;

/**
 * What a trace does, counted.
 *
 * @param accesses accesses in all
 * @param reads {@link Operation#READ} accesses
 * @param writes {@link Operation#WRITE} accesses
 * @param modifies {@link Operation#MODIFY} accesses
 * @param fetches {@link Operation#FETCH} accesses
 * @param bytesRead bytes read, by fetches and modifies too
 * @param bytesWritten bytes written, by modifies too
 * @param pages distinct pages
 * @param pagesRead pages with a read, a modify or a fetch
 * @param pagesWritten pages with a write or a modify
 * @param pagesFetched pages with a fetch
 * @param firstTouchReads pages whose first access was a read
 * @param firstTouchWrites pages whose first access was a write
 * @param firstTouchModifies pages whose first access was a modify
 * @param firstTouchFetches pages whose first access was a fetch
 * @param pageCrossings accesses that cross a page border
 * @param largestAccessBytes size of the largest access
 * @param lowestAddress lowest address accessed by the recorded program, unsigned
 * @param highestAddress highest byte accessed by the recorded program, unsigned, inclusive
 * @param fingerprint see {@link Trace#fingerprint()}
 */
public record TraceSummary(
        long accesses,
        long reads,
        long writes,
        long modifies,
        long fetches,
        long bytesRead,
        long bytesWritten,
        int pages,
        int pagesRead,
        int pagesWritten,
        int pagesFetched,
        int firstTouchReads,
        int firstTouchWrites,
        int firstTouchModifies,
        int firstTouchFetches,
        long pageCrossings,
        int largestAccessBytes,
        long lowestAddress,
        long highestAddress,
        long fingerprint) {

    /** Bytes of guest memory the trace needs. */
    public long memoryBytes() {
        return (long) pages << Trace.PAGE_SHIFT;
    }

    /** Counts a trace, in one pass. */
    public static TraceSummary of(Trace trace) {
        return new TraceCount(trace).summary();
    }
}
