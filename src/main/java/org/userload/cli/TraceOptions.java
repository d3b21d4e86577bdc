package org.userload.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.trace.Trace;
import org.userload.trace.TraceFormat;
import org.userload.trace.TraceLoader;
import picocli.CommandLine.Option;

/** Which trace to use; the same options wherever a trace is read. */
final class TraceOptions {
    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = {
                "Memory accesses of a program, plain or compressed with gzip or zstd. Record one with:",
                "  valgrind --tool=lackey --trace-mem=yes --log-file=FILE PROGRAM",
                "Without it, load touches nothing, and all other commands use the small trace that comes with"
                        + " userload (perl sorting a text)."
            })
    private @Nullable Path file;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "auto",
            description = "Format of the trace: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}, by content.")
    private TraceFormat format = TraceFormat.AUTO;

    boolean isGiven() {
        return file != null;
    }

    Trace load() throws IOException {
        return file == null ? TraceLoader.loadDefault() : TraceLoader.load(file, format);
    }

    /** The same choice for another process. */
    List<String> arguments() {
        List<String> arguments = new ArrayList<>();
        if (file != null) {
            arguments.add("--trace=" + file.toAbsolutePath());
            arguments.add("--format=" + format.toString());
        }
        return arguments;
    }
}
