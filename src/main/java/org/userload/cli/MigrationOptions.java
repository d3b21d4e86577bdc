package org.userload.cli;

import java.time.Duration;
import java.util.List;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.PageSize;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.OnNonConvergence;
import org.userload.pack.Compression;
import org.userload.source.PageEncoding;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the guest moves; used by both processes, so that they agree. */
final class MigrationOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "postcopy",
            description = {
                "How to move: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.",
                "postcopy moves the program at once, precopy sends memory first, in rounds, hybrid does some rounds and"
                        + " then postcopy, stopcopy stops the program meanwhile."
            })
    private MigrationMode mode = MigrationMode.POSTCOPY;

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

    @Option(
            names = "--tracker",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "How writes are tracked: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TrackerChoice tracker = TrackerChoice.AUTO;

    @Option(
            names = "--delta-cache",
            paramLabel = "SIZE",
            defaultValue = "0",
            converter = SizeConverter.class,
            description = {
                "precopy and hybrid: memory at the source for pages that have been sent, so that of pages that the program"
                        + " has written to since only the changes are sent. For example 64M. Default: none."
            })
    private long deltaCacheBytes;

    MigrationMode mode() {
        return mode;
    }

    /** How page content is made smaller. */
    PageEncoding encoding(Compression compression) {
        int pageBytes = PageSize.DEFAULT.bytes();
        if (deltaCacheBytes != 0 && deltaCacheBytes < pageBytes) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--delta-cache is 0 for none, or at least a page of " + pageBytes + " bytes, not "
                            + deltaCacheBytes);
        }
        return new PageEncoding(compression, deltaCacheBytes);
    }

    /** What was asked for. */
    MigrationPlan plan() {
        if (mode == MigrationMode.HYBRID && precopyRounds > maxRounds) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--precopy-rounds is 0 to --max-rounds, which is " + maxRounds + ", not " + precopyRounds);
        }
        try {
            return MigrationPlan.of(mode)
                    .withDowntimeLimit(Duration.ofMillis(downtimeLimitMillis))
                    .withMaxRounds(maxRounds)
                    .withHybridRounds(mode == MigrationMode.HYBRID ? precopyRounds : 0)
                    .withOnNonConvergence(onNonConvergence)
                    .withTracker(tracker);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /** The same for another process. */
    List<String> arguments() {
        return List.of(
                "--mode=" + mode,
                "--downtime-limit=" + downtimeLimitMillis,
                "--max-rounds=" + maxRounds,
                "--precopy-rounds=" + precopyRounds,
                "--on-non-convergence=" + onNonConvergence,
                "--tracker=" + tracker,
                "--delta-cache=" + deltaCacheBytes);
    }
}
