package org.userload.benchmark;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.linux.Mapping;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Opens a large sparse destination and tells what that costs. Exit status 1 when a goal is missed. */
@Command(
        name = "FootprintCheck",
        mixinStandardHelpOptions = true,
        description = "Opens a large destination whose source has only zero pages, and measures time and memory.")
public final class FootprintCheck implements Callable<Integer> {
    private static final double GOAL_SECONDS = 1;
    private static final double GOAL_RESIDENT_MIB = 64;
    private static final double GOAL_BYTES_PER_PAGE = 2;

    @Option(names = "--gib", description = "Size of the memory. Default: ${DEFAULT-VALUE}.")
    private int gib = 64;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FootprintCheck()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        boolean met = true;
        long pages = (long) gib << 18;
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.ZERO, pages, -1);
                SourceProcess small = SourceProcess.start(BenchmarkSource.Content.ZERO, 1, -1)) {
            for (InterceptorChoice choice :
                    new InterceptorChoice[] {InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE}) {
                // What the first session loads and compiles is the program's, not the memory's.
                open(small, choice).destination.close();
                met &= report(out, choice, pages, open(source, choice));
            }
        }
        out.flush();
        return met ? 0 : 1;
    }

    /** An open destination, and what opening it took. */
    private record Opened(Destination destination, double seconds, long residentBytes, long heapBytes) {}

    private static Opened open(SourceProcess source, InterceptorChoice choice) throws IOException {
        long heapBefore = usedHeap();
        long residentBefore = resident();
        long start = System.nanoTime();
        Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withStreamAtOnce(false));
        double seconds = (System.nanoTime() - start) / 1e9;
        destination.memory().getLong(destination.memory().sizeBytes() - Long.BYTES);
        return new Opened(destination, seconds, resident() - residentBefore, usedHeap() - heapBefore);
    }

    private static boolean report(PrintWriter out, InterceptorChoice choice, long pages, Opened opened) {
        double mib = opened.residentBytes / 1048576.0;
        double bytesPerPage = Math.max(opened.heapBytes, 0) / (double) pages;
        out.printf(
                Locale.ROOT,
                "%-11s  open %.3f s (goal < %.0f)   resident +%.1f MiB (goal < %.0f)   bookkeeping %.3f bytes per page"
                        + " (goal <= %.0f)%n",
                choice.name().toLowerCase(Locale.ROOT),
                opened.seconds,
                GOAL_SECONDS,
                mib,
                GOAL_RESIDENT_MIB,
                bytesPerPage,
                GOAL_BYTES_PER_PAGE);
        opened.destination.close();
        return opened.seconds < GOAL_SECONDS && mib < GOAL_RESIDENT_MIB && bytesPerPage <= GOAL_BYTES_PER_PAGE;
    }

    private static long usedHeap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private static long resident() throws IOException {
        String statm = Files.readString(Path.of("/proc/self/statm"), StandardCharsets.US_ASCII);
        return Long.parseLong(statm.split(" ", -1)[1]) * Mapping.hostPageSize();
    }
}
