package org.userload.cli;

import org.userload.migration.MigrationReport;
import org.userload.source.EncodingStatistics;
import org.userload.trace.ThroughputSamples;

/**
 * What the source process of a replay tells at its end, as one line of JSON. Both processes are on one host, so its times
 * are those of the other one's clock, too.
 *
 * @param guestStartNanos {@link System#nanoTime()} when the guest began to run
 * @param encoding what compression and deltas did
 * @param hintBytes of messages about free pages, between host and guest, both ways
 * @param givenUpPages pages that the source gave up because they were in place here
 */
record SourceStory(
        MigrationReport migration,
        ThroughputSamples throughput,
        long guestStartNanos,
        EncodingStatistics encoding,
        long hintBytes,
        long givenUpPages) {

    /**
     * The guest did not move.
     *
     * @param why for people
     * @param verified whether it ended at the source as it would have without the attempt
     */
    record Stayed(String why, boolean verified) {}
}
