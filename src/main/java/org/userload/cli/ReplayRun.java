package org.userload.cli;

import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.migration.HandoverException;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationMode;
import org.userload.migration.Rehearsal;
import org.userload.report.MigrationResult;
import org.userload.report.Progress;
import org.userload.trace.CpuState;
import org.userload.trace.ThroughputSampler;
import org.userload.trace.Workload;
import org.userload.transport.Link;
import org.userload.transport.Placement;

/** The destination of a replay: takes the guest over, lets it run to its end, waits for its memory, checks both. */
final class ReplayRun {
    private final ReplayedGuest replayed;
    private final MigrationMode mode;
    private final HintOptions hints;
    private final DestinationOptions options;
    private final @Nullable Link link;
    private final Placement placement;

    /** @param link a link to emulate, or null */
    ReplayRun(
            ReplayedGuest replayed,
            MigrationMode mode,
            HintOptions hints,
            DestinationOptions options,
            @Nullable Link link,
            Placement placement) {
        this.replayed = replayed;
        this.mode = mode;
        this.hints = hints;
        this.options = options;
        this.link = link;
        this.placement = placement;
    }

    /**
     * Takes the guest over from the source process.
     *
     * @throws HandoverException when it stayed there
     */
    MigrationResult migrateFrom(SourceProcess source) throws Exception {
        InterceptorChoice interceptor = options.interceptor().settled();
        Rehearsal.run(mode, interceptor, new RehearsedGuest());
        DestinationConfig config = DestinationConfig.from(source.endpoint())
                .withInterceptor(interceptor)
                .withLink(link)
                .withHugePages(options.hugePages())
                .withPlacement(placement);
        config = options.prefetch().into(config);
        try (MigrationDestination migration = MigrationDestination.open(config, replayed::on)) {
            ReplayAccount account = run(migration, source);
            boolean verified = new NeverMoved(replayed.program(), replayed.cold(), freeContent())
                    .isEqualTo(account.state(), migration.destination().memory());
            return account.result(mode.toString(), verified, replayed, options.prefetch(), link);
        }
    }

    private NeverMoved.FreeContent freeContent() {
        return hints.hints() ? new NeverMoved.FreeContent.Pattern(hints.poison()) : new NeverMoved.FreeContent.Sent();
    }

    private ReplayAccount run(MigrationDestination migration, SourceProcess source) throws Exception {
        Destination destination = migration.destination();
        try (Progress ignored = options.progress(destination::statistics)) {
            MigrationDestination.Resumed resumed = awaitGuest(migration);
            try (Workload guest = (Workload) resumed.guest();
                    ThroughputSampler sampler = ThroughputSampler.start(guest, resumed.resumedNanos())) {
                CpuState state = guest.completion().get();
                long finishedNanos = System.nanoTime();
                sampler.sample();
                options.prefetch().writeRecorded(destination);
                destination.streamRest();
                DestinationStatistics statistics = migration.completion().get();
                return new ReplayAccount(
                        resumed,
                        state,
                        guest.accessesHere(),
                        finishedNanos,
                        destination,
                        statistics,
                        sampler.samples(),
                        source.awaitStory());
            }
        }
    }

    private static MigrationDestination.Resumed awaitGuest(MigrationDestination migration) throws Exception {
        try {
            return migration.resumed().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HandoverException refused) {
                throw refused;
            }
            throw e;
        }
    }
}
