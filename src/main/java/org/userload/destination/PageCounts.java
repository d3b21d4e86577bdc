package org.userload.destination;

/**
 * Pages by the way they came.
 *
 * @param total pages of the memory
 * @param demand installed with content that was asked for
 * @param stream installed with content that came in the stream
 * @param precopy in place with content before the guest ran here, and not called back
 * @param zero came as zero pages, before or after that; they are put in place when they are touched
 * @param free did not have to be sent, because the guest did not need their content: free at the source, or released here
 * @param duplicate arrived, but were already in place
 */
public record PageCounts(long total, long demand, long stream, long precopy, long zero, long free, long duplicate) {}
