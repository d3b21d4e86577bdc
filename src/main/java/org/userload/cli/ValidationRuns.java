package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.migration.simulation.Simulation;
import org.userload.report.comparison.ComparedMode;
import org.userload.report.comparison.RunResult;
import org.userload.report.simulation.Validation;
import org.userload.trace.SyntheticTrace;
import org.userload.trace.TraceConversion;
import org.userload.trace.TraceFormat;
import org.userload.trace.TraceReader;
import org.userload.transport.Link;

/**
 * Moves small guests with {@code replay}, each run in new processes, and has the same simulated. What the machines cost is
 * measured before, by other guests and without a link. One thread.
 */
final class ValidationRuns {
    private static final long SEED = 1;

    /** An idle guest makes a few accesses, so that it has an end. */
    private static final long IDLE_ACCESSES_PER_SECOND = 100;

    /** How long the guest runs before it moves. */
    private static final double SECONDS_BEFORE = 0.2;

    /** The guest must outlast the migration: by this factor, and by these seconds. */
    private static final double OUTLAST_FACTOR = 2;

    private static final double OUTLAST_SECONDS = 1;

    private static final int ACCESS_BYTES = 8;

    /** So large that starting and ending are little of it. */
    private static final int CEILING_MEBIBYTES = 256;

    /** How long a migration without a link is taken to last, for the length of its trace. */
    private static final Duration WITHOUT_LINK = Duration.ofSeconds(1);

    private final int repeat;
    private final @Nullable PrintWriter progress;

    /** @param progress where to say which run is under way; null for nowhere */
    ValidationRuns(int repeat, @Nullable PrintWriter progress) {
        this.repeat = repeat;
        this.progress = progress;
    }

    /** @throws IOException when a run fails or is not verified */
    Validation run() throws IOException, InterruptedException {
        try (ScratchDirectory scratch = ScratchDirectory.create("userload-validate")) {
            MachineCosts costs = measureCosts(scratch);
            List<Validation.Case> cases = new ArrayList<>();
            for (ValidationCase one : ValidationCase.all()) {
                SimulatedMigration model = Simulation.run(one.guest(), one.link(), costs, one.plan(), SEED);
                Duration lasts = Duration.ofNanos(model.migrationMicros() * 1000);
                List<RunResult> runs = migrate(scratch, one.name(), one.guest(), one.link(), one.plan(), lasts);
                cases.add(new Validation.Case(one.name(), model, runs));
            }
            return new Validation(costs, cases);
        }
    }

    private MachineCosts measureCosts(ScratchDirectory scratch) throws IOException, InterruptedException {
        SimulatedGuest busy = ValidationCase.guest(32, 32, 50_000);
        List<RunResult> moved = withoutLink(scratch, busy, MigrationMode.POSTCOPY);
        double handoverNanos = 1e3 * median(moved, run -> number(run.downtimeUs()));
        double faultNanos = 1e3
                * median(
                        moved,
                        run -> Objects.requireNonNull(run.faultLatencyUs()).p50());
        SimulatedGuest busier = ValidationCase.guest(128, 128, 400_000);
        List<RunResult> calledBack = withoutLink(scratch, busier, MigrationMode.HYBRID);
        double discardNanos = 1e3
                * median(
                        calledBack,
                        run -> (number(run.downtimeUs()) - handoverNanos / 1e3)
                                / Math.max(1, Objects.requireNonNull(run.discardedPages())));
        SimulatedGuest large = ValidationCase.guest(CEILING_MEBIBYTES, 1, 0);
        List<RunResult> copied = withoutLink(scratch, large, MigrationMode.STOPCOPY);
        double copyMicros = median(copied, run -> number(run.downtimeUs())) - handoverNanos / 1e3;
        double bytes = (double) large.pages() * PageSize.DEFAULT.bytes();
        MachineCosts usual = MachineCosts.ASSUMED;
        return new MachineCosts(
                bytes / Math.max(copyMicros, 1) * 1e6,
                handoverNanos,
                faultNanos,
                Math.max(discardNanos, 0),
                usual.zeroNanosPerPage(),
                usual.scanNanosPerPage(),
                usual.scanNanosPerDirtyPage(),
                usual.armNanosPerPage(),
                usual.hintNanosPerPage(),
                usual.poisonNanosPerPage());
    }

    private List<RunResult> withoutLink(ScratchDirectory scratch, SimulatedGuest guest, MigrationMode mode)
            throws IOException, InterruptedException {
        return migrate(scratch, "these machines, no link", guest, null, MigrationPlan.of(mode), WITHOUT_LINK);
    }

    private static double median(List<RunResult> runs, ToDoubleFunction<RunResult> figure) {
        return Validation.median(runs.stream().mapToDouble(figure).toArray());
    }

    private static double number(@Nullable Long value) {
        return Objects.requireNonNull(value).doubleValue();
    }

    private List<RunResult> migrate(
            ScratchDirectory scratch,
            String name,
            SimulatedGuest guest,
            @Nullable Link link,
            MigrationPlan plan,
            Duration lasts)
            throws IOException, InterruptedException {
        List<String> options = options(scratch.file("guest.ult"), guest, link, plan, lasts);
        List<RunResult> results = new ArrayList<>();
        try (ReplayRuns runs = new ReplayRuns(options, List.of())) {
            for (int turn = 1; turn <= repeat; turn++) {
                if (progress != null) {
                    progress.printf("%s, %s, %d of %d%n", name, plan.mode(), turn, repeat);
                    progress.flush();
                }
                ReplayRuns.Outcome outcome =
                        runs.run(ComparedMode.valueOf(plan.mode().name()), turn);
                RunResult result = outcome.run().result();
                if (!outcome.run().isGood() || result == null) {
                    throw new IOException(name + ", " + plan.mode() + ", failed: "
                            + outcome.run().error());
                }
                results.add(result);
            }
        }
        return results;
    }

    /** Writes the guest's trace and says how to replay it. */
    private static List<String> options(
            Path trace, SimulatedGuest guest, @Nullable Link link, MigrationPlan plan, Duration lasts)
            throws IOException {
        boolean isIdle = guest.writesPerSecond() == 0;
        long rate = isIdle ? IDLE_ACCESSES_PER_SECOND : Math.round(guest.writesPerSecond());
        // The trace begins by reading every page of it once; an idle guest needs no more than one.
        long tracePages = isIdle ? 1 : guest.workingSetPages();
        long before = tracePages + Math.round(rate * SECONDS_BEFORE);
        double after = rate * (lasts.toNanos() / 1e9 * OUTLAST_FACTOR + OUTLAST_SECONDS);
        long accesses = before + Math.round(after);
        SyntheticTrace accessed = new SyntheticTrace(
                tracePages, accesses, isIdle ? 0 : 1, tracePages, SyntheticTrace.Pattern.RANDOM, ACCESS_BYTES, SEED);
        try (TraceReader reader = accessed.reader()) {
            TraceConversion.write(reader, trace, TraceFormat.AUTO, TraceConversion.ALL);
        }
        List<String> options = new ArrayList<>(List.of(
                "--trace=" + trace,
                "--memory=" + guest.pages() * PageSize.DEFAULT.bytes(),
                "--rate=" + rate,
                "--switch-at=" + (double) before / accesses,
                "--downtime-limit=" + plan.downtimeLimit().toMillis(),
                "--max-rounds=" + plan.maxRounds(),
                "--precopy-rounds=" + plan.hybridRounds(),
                "--on-non-convergence=" + plan.onNonConvergence()));
        if (link != null) {
            options.add("--link=" + link);
        }
        return options;
    }
}
