package org.userload.cli;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationStatistics;
import org.userload.memory.RegionTable;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationReport;
import org.userload.report.HugePageFigures;
import org.userload.report.LatencySummary;
import org.userload.report.MigrationResult;
import org.userload.report.PageMap;
import org.userload.report.ThroughputBucket;
import org.userload.trace.ColdPages;
import org.userload.trace.CpuState;
import org.userload.trace.ThroughputSamples;
import org.userload.trace.TouchedPages;
import org.userload.transport.Link;

/**
 * Everything that the result of a replay is made of, from both processes, which have one clock.
 *
 * @param accessesHere accesses that the guest made here
 * @param finishedNanos {@link System#nanoTime()} when the guest had made its last access
 */
record ReplayAccount(
        MigrationDestination.Resumed resumed,
        CpuState state,
        long accessesHere,
        long finishedNanos,
        Destination destination,
        DestinationStatistics statistics,
        ThroughputSamples throughput,
        SourceStory source) {

    MigrationResult result(
            String mode, boolean verified, ReplayedGuest replayed, PrefetchOptions prefetch, @Nullable Link link) {
        RegionTable table = destination.memory().table();
        MigrationReport migration = source.migration();
        return new MigrationResult(
                mode,
                statistics.interceptor(),
                verified,
                String.format("%016x", state.checksum()),
                new MigrationResult.GuestFigures(
                        table.pageSize().bytes(),
                        table.totalBytes(),
                        replayed.program().accessCount(),
                        replayed.program().trace().pageCount()),
                times(),
                MigrationResult.PageFigures.of(
                        statistics.pages(), replayed.cold().count(ColdPages.Kind.BALLOONED)),
                HugePageFigures.of(destination.statistics().blocks(), destination.hugeBytes()),
                new MigrationResult.HintFigures(
                        source.hintBytes(), migration.hints().us()),
                statistics.wireBytes(),
                LatencySummary.ofNanos(statistics.faultLatencyNanos()),
                LatencySummary.curve(statistics.faultLatencyNanos()),
                new MigrationResult.Course(
                        migration.rounds().stream()
                                .map(MigrationResult.RoundFigures::of)
                                .toList(),
                        migration.converged(),
                        migration.throttlePercent(),
                        migration.discardedPages(),
                        source.givenUpPages()),
                link == null
                        ? null
                        : new MigrationResult.LinkFigures(
                                link.bytesPerSecond(), micros(link.roundTrip().toNanos())),
                MigrationResult.CompressionFigures.of(source.encoding()),
                MigrationResult.DeltaFigures.of(source.encoding()),
                prefetch.figures(
                        statistics.prefetch(),
                        destination,
                        TouchedPages.of(replayed.program(), replayed.program().accessCount() - accessesHere)),
                ThroughputBucket.of(migration.startNanos(), List.of(source.throughput(), throughput)),
                PageMap.of(destination.arrivals(), migration.startNanos()));
    }

    /** Both processes have one clock, so the pause need not be estimated as it is between two hosts. */
    private MigrationResult.Times times() {
        long start = source.migration().startNanos();
        long paused = source.migration().pausedNanos();
        long running = resumed.resumedNanos();
        long pagesIn = destination.completedAtNanos();
        return new MigrationResult.Times(
                micros(running - paused),
                micros(pagesIn - paused),
                micros(pagesIn - start),
                micros(statistics.totalBlockedNanos()),
                micros(finishedNanos - running),
                micros(finishedNanos - source.guestStartNanos()),
                new MigrationResult.Timeline(
                        micros(paused - start),
                        micros(running - start),
                        micros(pagesIn - start),
                        micros(finishedNanos - start)));
    }

    private static long micros(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(nanos);
    }
}
