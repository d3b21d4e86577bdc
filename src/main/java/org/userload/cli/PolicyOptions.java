package org.userload.cli;

import java.time.Duration;
import java.util.List;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.OnNonConvergence;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** When the rounds of a migration end. */
final class PolicyOptions {
    private static final long MAX_DOWNTIME_MILLIS = MigrationPlan.MAX_DOWNTIME_LIMIT.toMillis();

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--downtime-limit",
            paramLabel = "MS",
            defaultValue = "300",
            description = "precopy: stop the program when the rest can be sent in this many milliseconds. Default:"
                    + " ${DEFAULT-VALUE}.")
    private long downtimeLimitMillis;

    @Option(
            names = "--max-rounds",
            paramLabel = "N",
            defaultValue = "30",
            description = "precopy and hybrid: most rounds while the program runs. Default: ${DEFAULT-VALUE}.")
    private int maxRounds;

    @Option(
            names = "--precopy-rounds",
            paramLabel = "N",
            defaultValue = "1",
            description = "hybrid: rounds before postcopy; 0 for as long as they converge. Default: ${DEFAULT-VALUE}.")
    private int precopyRounds;

    @Option(
            names = "--on-non-convergence",
            paramLabel = "ACTION",
            defaultValue = "continue",
            description = {
                "precopy: what to do when the program writes as fast as memory can be sent: ${COMPLETION-CANDIDATES}."
                        + " Default: ${DEFAULT-VALUE}, which stops the program after the most rounds."
            })
    private OnNonConvergence onNonConvergence = OnNonConvergence.CONTINUE;

    /** The plan of a mode. */
    MigrationPlan plan(MigrationMode mode) {
        require(
                downtimeLimitMillis >= 1 && downtimeLimitMillis <= MAX_DOWNTIME_MILLIS,
                "--downtime-limit is 1 to " + MAX_DOWNTIME_MILLIS + " ms, not " + downtimeLimitMillis);
        require(
                maxRounds >= 1 && maxRounds <= MigrationPlan.MAX_ROUNDS,
                "--max-rounds is 1 to " + MigrationPlan.MAX_ROUNDS + ", not " + maxRounds);
        require(
                precopyRounds >= 0 && (precopyRounds <= maxRounds || mode != MigrationMode.HYBRID),
                "--precopy-rounds is 0 to --max-rounds, which is " + maxRounds + ", not " + precopyRounds);
        return MigrationPlan.of(mode)
                .withDowntimeLimit(Duration.ofMillis(downtimeLimitMillis))
                .withMaxRounds(maxRounds)
                .withHybridRounds(mode == MigrationMode.HYBRID ? precopyRounds : 0)
                .withOnNonConvergence(onNonConvergence);
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(spec.commandLine(), otherwise);
        }
    }

    /** The same for another process. */
    List<String> arguments() {
        return List.of(
                "--downtime-limit=" + downtimeLimitMillis,
                "--max-rounds=" + maxRounds,
                "--precopy-rounds=" + precopyRounds,
                "--on-non-convergence=" + onNonConvergence);
    }
}
