package org.userload.cli;

import java.util.ArrayList;
import java.util.List;
import org.userload.dirty.TrackerChoice;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How the guest moves; used by both processes, so that they agree. */
final class MigrationOptions {
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

    @Mixin
    private PolicyOptions policy = new PolicyOptions();

    @Option(
            names = "--tracker",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "How writes are tracked: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TrackerChoice tracker = TrackerChoice.AUTO;

    MigrationMode mode() {
        return mode;
    }

    /** What was asked for. */
    MigrationPlan plan() {
        return policy.plan(mode).withTracker(tracker);
    }

    /** The same for another process. */
    List<String> arguments() {
        List<String> arguments = new ArrayList<>(policy.arguments());
        arguments.add("--mode=" + mode);
        arguments.add("--tracker=" + tracker);
        return arguments;
    }
}
