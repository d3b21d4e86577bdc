package org.userload.cli;

import java.util.ArrayList;
import java.util.List;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.PageSize;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.pack.Compression;
import org.userload.source.PageEncoding;
import picocli.CommandLine.Mixin;
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

    @Mixin
    private PolicyOptions policy = new PolicyOptions();

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

    @Option(
            names = "--release-source",
            description =
                    "postcopy and hybrid: the source gives up each page as soon as it is in place at the destination, so"
                            + " that memory is not held twice.")
    private boolean releaseSource;

    /** Whether the source gives up pages that have moved. */
    boolean releaseSource() {
        return releaseSource;
    }

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
        return policy.plan(mode).withTracker(tracker);
    }

    /** The same for another process. */
    List<String> arguments() {
        List<String> arguments = new ArrayList<>(policy.arguments());
        arguments.add("--mode=" + mode);
        arguments.add("--tracker=" + tracker);
        arguments.add("--delta-cache=" + deltaCacheBytes);
        if (releaseSource) {
            arguments.add("--release-source");
        }
        return arguments;
    }
}
