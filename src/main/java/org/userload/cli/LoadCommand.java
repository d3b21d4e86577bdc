package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.memory.GuestMemory;
import org.userload.report.JsonFile;
import org.userload.report.LatencySummary;
import org.userload.report.LoadResult;
import org.userload.report.Progress;
import org.userload.report.Quantities;
import org.userload.source.LivePageSource;
import org.userload.source.PageSource;
import org.userload.source.RawImageWriter;
import org.userload.source.UliWriter;
import org.userload.trace.Program;
import org.userload.trace.TouchedPages;
import org.userload.trace.Trace;
import org.userload.trace.TraceTouches;
import org.userload.transport.Endpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Pages an image in from a source and writes it to a file. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Pages a memory image in from 'userload serve' and writes it to a file.",
            "",
            "With --trace the pages that the trace touches are read in its order while the rest streams in behind, as a"
                    + " program would that starts at once; the fault latencies tell what it would feel.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  userload load --from 127.0.0.1:7070 --output guest.raw",
            "  userload load --from 127.0.0.1:7070 --output guest.uli --trace run.ult"
        })
final class LoadCommand implements Callable<Integer> {
    @Option(
            names = "--from",
            required = true,
            paramLabel = "ADDR",
            converter = EndpointConverter.class,
            description = "Where the source listens: HOST:PORT, [IPV6]:PORT or unix:PATH.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Endpoint from;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "FILE",
            description = "Where to write the image: raw, with holes for zero pages; compressed when it ends in .uli.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path output;

    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private PlacementOptions placement = new PlacementOptions();

    @Mixin
    private DestinationOptions destinationOptions = new DestinationOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        JsonFile jsonFile = destinationOptions.jsonFile();
        checkOutput();
        PrefetchOptions prefetch = destinationOptions.prefetch();
        prefetch.check(traceOptions.isGiven(), "load records what a trace touches; give --trace");
        Trace trace = traceOptions.isGiven() ? traceOptions.load() : null;
        DestinationConfig config = prefetch.into(DestinationConfig.from(from)
                .withInterceptor(destinationOptions.interceptor())
                .withLink(linkOptions.link())
                .withHugePages(destinationOptions.hugePages())
                .withPlacement(placement.placement()));
        try (Destination destination = Destination.open(config)) {
            GuestMemory memory = destination.memory();
            pageIn(destination, trace);
            try (PageSource loaded = new LivePageSource(memory, "the loaded image")) {
                if (output.toString().endsWith(".uli")) {
                    new UliWriter().write(output, loaded);
                } else {
                    RawImageWriter.write(output, loaded);
                }
            }
            DestinationStatistics statistics = destination.statistics();
            LoadResult result = LoadResult.of(
                    statistics,
                    memory.table(),
                    destination.hugeBytes(),
                    prefetch.figures(
                            statistics.prefetch(),
                            destination,
                            trace == null ? null : TouchedPages.of(Program.once(trace, 0), 0)));
            if (jsonFile != null) {
                jsonFile.write(result);
            }
            report(result);
            return 0;
        }
    }

    private void pageIn(Destination destination, @Nullable Trace trace) throws Exception {
        try (Progress ignored = destinationOptions.progress(destination::statistics)) {
            if (trace != null) {
                TraceTouches.replay(trace, destination.memory());
                destinationOptions.prefetch().writeRecorded(destination);
            }
            destination.streamRest();
            destination.completion().get();
        }
    }

    private void checkOutput() throws IOException {
        Path directory = output.toAbsolutePath().getParent();
        if (Files.isDirectory(output)
                || directory == null
                || !Files.isDirectory(directory)
                || !Files.isWritable(directory)) {
            throw new IOException(
                    "cannot write " + output + ": it is a directory, or its directory is not there or not writable");
        }
    }

    private void report(LoadResult result) {
        PrintWriter out = spec.commandLine().getOut();
        LatencySummary latency = result.faultLatencyUs();
        out.println(output + ": " + Quantities.bytes(result.memoryBytes()) + " in "
                + Quantities.micros(result.totalUs()) + " (" + result.pages().demand() + " pages on demand, "
                + result.pages().stream() + " in the stream, " + result.pages().zero() + " zero)");
        if (latency.count() > 0) {
            out.println(latency.count() + " faults: median " + Quantities.micros(latency.p50()) + ", p99 "
                    + Quantities.micros(latency.p99()) + ", max " + Quantities.micros(latency.max()));
        }
        out.flush();
    }
}
