package org.userload.cli;

import java.util.concurrent.TimeUnit;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.memory.GuestMemory;
import org.userload.migration.PostCopyDestination;
import org.userload.report.LatencySummary;
import org.userload.report.MigrationResult;
import org.userload.report.Progress;
import org.userload.trace.AccessRate;
import org.userload.trace.CpuState;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.Workload;
import org.userload.transport.Endpoint;

/** The destination of a replay: takes the guest over, lets it run to its end, waits for its memory, checks both. */
final class ReplayRun {
    private final Program program;
    private final AccessRate rate;
    private final String mode;
    private final DestinationOptions options;

    ReplayRun(Program program, AccessRate rate, String mode, DestinationOptions options) {
        this.program = program;
        this.rate = rate;
        this.mode = mode;
        this.options = options;
    }

    /** Everything that the end of the run is made of. */
    private record Finished(
            PostCopyDestination.Resumed resumed,
            CpuState state,
            long workloadNanos,
            DestinationStatistics statistics,
            long totalNanos) {}

    MigrationResult migrateFrom(Endpoint source) throws Exception {
        DestinationConfig config = DestinationConfig.from(source).withInterceptor(options.interceptor());
        try (PostCopyDestination migration = PostCopyDestination.open(
                config, memory -> new Workload(program, rate, new GuestReplayMemory(memory)))) {
            Finished finished = run(migration);
            boolean verified = new NeverMoved(program)
                    .isEqualTo(finished.state, migration.destination().memory());
            return result(finished, migration.destination().memory(), verified);
        }
    }

    private Finished run(PostCopyDestination migration) throws Exception {
        Destination destination = migration.destination();
        try (Progress ignored = options.progress(destination::statistics)) {
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
                program.accessCount(),
                program.trace().pageCount(),
                finished.resumed.downtimeMicros(),
                TimeUnit.NANOSECONDS.toMicros(finished.totalNanos),
                statistics.pages(),
                statistics.wireBytes(),
                LatencySummary.ofNanos(statistics.faultLatencyNanos()),
                TimeUnit.NANOSECONDS.toMicros(statistics.totalBlockedNanos()),
                TimeUnit.NANOSECONDS.toMicros(finished.workloadNanos));
    }
}
