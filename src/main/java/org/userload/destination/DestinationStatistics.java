package org.userload.destination;

import java.util.Map;
import org.HdrHistogram.Histogram;
import org.userload.destination.prefetch.PrefetchStatistics;

/**
 * What a session has done so far; a snapshot.
 *
 * @param interceptor name of the interceptor in use
 * @param pages pages by way of arrival
 * @param blocks pages that came or became huge pages
 * @param wireBytes bytes received and sent on all connections
 * @param faultLatencyNanos fault latency as touching threads saw it, nanoseconds
 * @param blockedNanosByThread nanoseconds each thread has waited for pages
 * @param prefetch what was fetched before it was touched
 * @param completionNanos from opening to the last page, nanoseconds; -1 while pages are missing
 */
public record DestinationStatistics(
        String interceptor,
        PageCounts pages,
        BlockCounts blocks,
        long wireBytes,
        Histogram faultLatencyNanos,
        Map<String, Long> blockedNanosByThread,
        PrefetchStatistics prefetch,
        long completionNanos) {

    /** Pages in place. */
    public long pagesInPlace() {
        return pages.demand() + pages.stream() + pages.precopy() + pages.zero() + pages.free();
    }

    /** The sum of all threads' waiting, nanoseconds. */
    public long totalBlockedNanos() {
        return blockedNanosByThread.values().stream().mapToLong(Long::longValue).sum();
    }
}
