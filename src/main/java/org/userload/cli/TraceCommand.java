package org.userload.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.userload.report.Quantities;
import org.userload.trace.Trace;
import org.userload.trace.TraceConversion;
import org.userload.trace.TraceFiles;
import org.userload.trace.TraceFormat;
import org.userload.trace.TraceReader;
import org.userload.trace.TraceSummary;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Works on access traces. */
@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        subcommands = TraceGenerateCommand.class,
        description = {
            "Looks into access traces, converts them and makes them up.",
            "",
            "Formats: lackey (what valgrind prints; read only), csv (op,address,size), ult (small and checked). All may"
                    + " be compressed with gzip or zstd.",
            ""
        })
final class TraceCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    @Command(
            name = "info",
            mixinStandardHelpOptions = true,
            description = {"Counts what a trace does.", ""},
            footer = {"", "Example:", "  userload trace info --trace sort.lackey.gz"})
    int info(@Mixin TraceOptions traceOptions) throws Exception {
        Trace trace = traceOptions.load();
        TraceSummary summary = TraceSummary.of(trace);
        PrintWriter out = spec.commandLine().getOut();
        row(out, "trace", trace.name());
        row(out, "accesses", Quantities.count(summary.accesses()));
        row(out, "  reads", Quantities.count(summary.reads()));
        row(out, "  writes", Quantities.count(summary.writes()));
        row(out, "  modifies", Quantities.count(summary.modifies()));
        row(out, "  fetches", Quantities.count(summary.fetches()));
        row(out, "bytes read", Quantities.count(summary.bytesRead()));
        row(out, "bytes written", Quantities.count(summary.bytesWritten()));
        row(out, "pages", Quantities.count(summary.pages()) + " (" + Quantities.bytes(summary.memoryBytes()) + ")");
        row(out, "  read", Quantities.count(summary.pagesRead()));
        row(out, "  written", Quantities.count(summary.pagesWritten()));
        row(out, "  fetched from", Quantities.count(summary.pagesFetched()));
        row(out, "crossing a page", Quantities.count(summary.pageCrossings()));
        row(out, "largest access", summary.largestAccessBytes() + " bytes");
        row(out, "addresses", String.format("0x%x to 0x%x", summary.lowestAddress(), summary.highestAddress()));
        row(out, "fingerprint", String.format("%016x", summary.fingerprint()));
        out.flush();
        return 0;
    }

    private static void row(PrintWriter out, String name, String value) {
        out.printf("%-16s %s%n", name, value);
    }

    @Command(
            name = "convert",
            mixinStandardHelpOptions = true,
            description = {"Writes a trace in another format.", ""},
            footer = {
                "",
                "Examples:",
                "  userload trace convert sort.lackey.gz sort.ult.zst",
                "  userload trace convert --first 1000000 big.ult small.csv"
            })
    int convert(
            @Parameters(paramLabel = "INPUT", description = "The trace to read; '-' is standard input.") Path input,
            @Parameters(
                            paramLabel = "OUTPUT",
                            description =
                                    "The file to write; its ending says the format: .ult or .csv, then .gz or .zst.")
                    Path output,
            @Option(
                            names = "--from",
                            paramLabel = "FORMAT",
                            defaultValue = "auto",
                            description = "Format of the input: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
                    TraceFormat from,
            @Option(
                            names = "--to",
                            paramLabel = "FORMAT",
                            defaultValue = "auto",
                            description = "Format of the output: ult, csv or auto. Default: ${DEFAULT-VALUE}.")
                    TraceFormat to,
            @Option(names = "--first", paramLabel = "N", description = "Only the first N accesses.") @Nullable
                    Long first)
            throws Exception {
        long most = first == null ? TraceConversion.ALL : first;
        long written;
        if ("-".equals(input.toString())) {
            try (TraceReader reader = TraceFiles.open("standard input", System.in, from)) {
                written = TraceConversion.write(reader, output, to, most);
            }
        } else {
            written = TraceConversion.convert(input, from, output, to, most);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(output + ": " + Quantities.count(written) + " accesses");
        out.flush();
        return 0;
    }
}
