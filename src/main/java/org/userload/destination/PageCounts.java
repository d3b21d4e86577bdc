package org.userload.destination;

/**
 * Pages by the way they came.
 *
 * @param total pages of the memory
 * @param demand installed with content that was asked for
 * @param stream installed with content that came in the stream
 * @param precopy in place before the guest ran here, and not called back
 * @param zero installed as zero pages, either way, once the guest ran here
 * @param free installed without being sent, because the guest did not need their content
 * @param duplicate arrived, but were already in place
 */
public record PageCounts(long total, long demand, long stream, long precopy, long zero, long free, long duplicate) {}
