package org.userload.migration;

/**
 * One round: a pass over everything that the destination did not have in its present form.
 *
 * @param pagesSent pages sent in it
 * @param dirtyPages pages to send again when it was over; 0 after a last round, in which the guest was stopped
 * @param us from its begin until all of it was in place at the destination, microseconds
 */
public record RoundReport(long pagesSent, long dirtyPages, long us) {}
