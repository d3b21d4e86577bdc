package org.userload.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.report.JsonFile;
import org.userload.report.Progress;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How memory is paged in and what is told about it; the same options wherever this process is the destination. */
final class DestinationOptions {
    @Option(
            names = "--interceptor",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = {
                "How faults are caught: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}, which is userfaultfd"
                        + " where the kernel permits it, else software. signal: the thread that touches a page fetches"
                        + " it itself; the source must be another process."
            })
    private InterceptorChoice interceptor = InterceptorChoice.AUTO;

    @Option(
            names = "--huge-pages",
            paramLabel = "on|off",
            defaultValue = "on",
            description = {
                "Whether memory comes and becomes huge pages of 2 MiB, where the kernel has them and the way is fast enough."
                        + " Default: ${DEFAULT-VALUE}."
            })
    private OnOff hugePages = OnOff.ON;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Also write the result as JSON (userload.result/1 of replay, userload.load/1 of load).")
    private @Nullable Path json;

    @Option(names = "--no-progress", description = "Do not show progress.")
    private boolean noProgress;

    @Mixin
    private PrefetchOptions prefetch = new PrefetchOptions();

    /** What comes before it is touched. */
    PrefetchOptions prefetch() {
        return prefetch;
    }

    InterceptorChoice interceptor() {
        return interceptor;
    }

    boolean hugePages() {
        return hugePages.isOn();
    }

    /** The file for the result, which is known to be writable; null if none was asked for. */
    @Nullable
    JsonFile jsonFile() throws IOException {
        return json == null ? null : JsonFile.check(json);
    }

    /** Progress on standard error until it is closed; null if it is not to be shown. */
    @Nullable
    Progress progress(Supplier<DestinationStatistics> statistics) {
        return noProgress ? null : Progress.start(statistics);
    }
}
