package org.userload.destination.prefetch;

/**
 * What was fetched before it was touched, as far as a destination can know it: it sees faults, not touches of pages that are
 * there.
 *
 * @param preferred pages that the source was asked to send before others: read-ahead and working set
 * @param came of these, pages that came in the stream
 * @param awaited faults on pages that were about to come in the stream, and did
 * @param late faults on such pages that did not come in time and were asked for
 * @param requested pages asked for: faults that went over the network
 */
public record PrefetchStatistics(long preferred, long came, long awaited, long late, long requested) {}
