package org.userload.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.userload.report.Quantities;
import org.userload.trace.SyntheticTrace;
import org.userload.trace.TraceConversion;
import org.userload.trace.TraceFormat;
import org.userload.trace.TraceReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes a trace that no program made. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes a trace up: reads every page once, then accesses a working set at random or in order.",
            "",
            "The same options give the same trace everywhere. With --writes near 1 it is a guest that makes pages dirty"
                    + " as fast as it runs.",
            ""
        },
        footer = {
            "",
            "Example:",
            "  userload trace generate --pages 65536 --accesses 20000000 --writes 0.8 --working-set 16384"
                    + " --output writes.ult.zst"
        })
final class TraceGenerateCommand implements Callable<Integer> {
    @Option(names = "--pages", required = true, paramLabel = "N", description = "Pages of 4 KiB in all.")
    private long pages;

    @Option(names = "--accesses", required = true, paramLabel = "N", description = "Accesses in all.")
    private long accesses;

    @Option(
            names = "--writes",
            required = true,
            paramLabel = "FRACTION",
            description = "Which part of the accesses to the working set are writes, 0 to 1; the rest are reads.")
    private double writes;

    @Option(
            names = "--working-set",
            paramLabel = "PAGES",
            description = "Pages that are accessed again after the first time. Default: all.")
    private @Nullable Long workingSetPages;

    @Option(
            names = "--pattern",
            paramLabel = "PATTERN",
            defaultValue = "random",
            description = "Where in the working set: random or sequential. Default: ${DEFAULT-VALUE}.")
    private SyntheticTrace.Pattern pattern = SyntheticTrace.Pattern.RANDOM;

    @Option(
            names = "--size",
            paramLabel = "BYTES",
            defaultValue = "8",
            description = "Bytes of an access, 1 to 4096. Default: ${DEFAULT-VALUE}.")
    private int sizeBytes;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of the random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "FILE",
            description = "The file to write; its ending says the format: .ult or .csv, then .gz or .zst.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path output;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        try (TraceReader reader = trace().reader()) {
            long written = TraceConversion.write(reader, output, TraceFormat.AUTO, TraceConversion.ALL);
            PrintWriter out = spec.commandLine().getOut();
            out.println(output + ": " + Quantities.count(written) + " accesses");
            out.flush();
        }
        return 0;
    }

    private SyntheticTrace trace() {
        try {
            long workingSet = workingSetPages == null ? pages : workingSetPages;
            return new SyntheticTrace(pages, accesses, writes, workingSet, pattern, sizeBytes, seed);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
