package org.userload.cli;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.migration.PostCopyDestination;
import org.userload.report.LatencySummary;
import org.userload.report.MigrationResult;
import org.userload.report.Progress;
import org.userload.trace.CpuState;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Trace;
import org.userload.trace.Workload;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** The destination of a replay: takes the guest over, lets it run to its end, waits for its memory, checks both. */
final class ReplayRun {
    private final Trace trace;
    private final long seed;
    private final String mode;
    private final InterceptorChoice interceptor;
    private final @Nullable Link link;
    private final boolean showProgress;

    /**
     * @param link a link to emulate, or null
     * @param showProgress whether to show progress on standard error
     */
    ReplayRun(
            Trace trace,
            long seed,
            String mode,
            InterceptorChoice interceptor,
            @Nullable Link link,
            boolean showProgress) {
        this.trace = trace;
        this.seed = seed;
        this.mode = mode;
        this.interceptor = interceptor;
        this.link = link;
        this.showProgress = showProgress;
    }

    /** Everything that the end of the run is made of. */
    private record Finished(
            PostCopyDestination.Resumed resumed,
            CpuState state,
            long workloadNanos,
            DestinationStatistics statistics,
            long totalNanos) {}

    MigrationResult migrateFrom(Endpoint source) throws Exception {
        DestinationConfig config =
                DestinationConfig.from(source).withInterceptor(interceptor).withLink(link);
        try (PostCopyDestination migration =
                PostCopyDestination.open(config, memory -> new Workload(trace, seed, new GuestReplayMemory(memory)))) {
            Finished finished = run(migration);
            boolean verified = new NeverMoved(trace, seed)
                    .isEqualTo(finished.state, migration.destination().memory());
            return result(finished, migration.destination().memory(), verified);
        }
    }

    private Finished run(PostCopyDestination migration) throws Exception {
        Destination destination = migration.destination();
        try (Progress ignored = showProgress ? Progress.start(destination::statistics) : null) {
            PostCopyDestination.Resumed resumed = migration.resumed().get();
            long startNanos = resumed.pausedNanos() + TimeUnit.MICROSECONDS.toNanos(resumed.downtimeMicros());
            try (Workload guest = (Workload) resumed.guest()) {
                CpuState state = guest.completion().get();
                long workloadNanos = System.nanoTime() - startNanos;
                DestinationStatistics statistics = migration.completion().get();
                long totalNanos = destination.completedAtNanos() - resumed.pausedNanos();
                return new Finished(resumed, state, workloadNanos, statistics, totalNanos);
            }
        }
    }

    private MigrationResult result(Finished finished, GuestMemory memory, boolean verified) {
        DestinationStatistics statistics = finished.statistics;
        return new MigrationResult(
                mode,
                statistics.interceptor(),
                verified,
                String.format("%016x", finished.state.checksum()),
                memory.table().pageSize().bytes(),
                memory.sizeBytes(),
                trace.accessCount(),
                trace.pageCount(),
                finished.resumed.downtimeMicros(),
                TimeUnit.NANOSECONDS.toMicros(finished.totalNanos),
                statistics.pages(),
                statistics.wireBytes(),
                LatencySummary.ofNanos(statistics.faultLatencyNanos()),
                TimeUnit.NANOSECONDS.toMicros(statistics.totalBlockedNanos()),
                TimeUnit.NANOSECONDS.toMicros(finished.workloadNanos));
    }
}
