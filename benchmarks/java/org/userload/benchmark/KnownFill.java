package org.userload.benchmark;

import io.netty.channel.IoEventLoop;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.fault.FaultInterceptor;
import org.userload.fault.FaultListener;
import org.userload.fault.UserfaultfdInterceptor;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;
import org.userload.transport.EventLoops;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What a destination has to do for memory that is all zero: put every page in place, or know it. In turns, in one process, from
 * the first run of pages until the memory is complete; and a whole session whose source is a process of its own.
 */
@Command(
        name = "KnownFill",
        mixinStandardHelpOptions = true,
        description =
                "Milliseconds at a destination until runs of zero pages are complete: installed and known, in turns.")
public final class KnownFill implements Callable<Integer> {
    /** As many pages as one frame can name. */
    private static final int RUN_PAGES = 1 << 20;

    @Option(names = "--gib", description = "Size of the memory. Default: ${DEFAULT-VALUE}.")
    private int gib = 8;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(names = "--warmup", description = "Rounds before that. Default: ${DEFAULT-VALUE}.")
    private int warmup = 2;

    @Option(names = "--what", split = ",", description = "Default: ${DEFAULT-VALUE}.")
    private List<String> what = List.of("installed", "known", "session");

    @Spec
    private CommandSpec spec;

    private final Map<String, double[]> millis = new LinkedHashMap<>();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new KnownFill()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, ExecutionException, InterruptedException {
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.ZERO, (long) gib << 18, -1)) {
            for (int round = -warmup; round < rounds; round++) {
                for (String name : what) {
                    double value = (name.equals("session") ? session(source) : fill(name.equals("known"))) / 1e6;
                    if (round >= 0) {
                        millis.computeIfAbsent(name, any -> new double[rounds])[round] = value;
                    }
                }
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, "%d GiB of zero pages, %d rounds%n", gib, rounds);
        millis.forEach((name, values) ->
                out.printf("  %-32s %s%n", name + " ms", Spread.of(values).text(2)));
        double[] installed = millis.get("installed");
        double[] known = millis.get("known");
        if (installed != null && known != null) {
            double[] ratios = installed.clone();
            Arrays.setAll(ratios, i -> installed[i] / known[i]);
            out.printf("  %-32s %s%n", "installed / known", Spread.of(ratios).text(1));
        }
        out.flush();
        return 0;
    }

    /** From opening until every page is settled and the memory is ordinary memory. */
    private static long session(SourceProcess source) throws IOException, ExecutionException, InterruptedException {
        try (Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(InterceptorChoice.USERFAULTFD)
                .withStreamAtOnce(false))) {
            long start = System.nanoTime();
            destination.startStream();
            destination.completion().get();
            return destination.completedAtNanos() - start;
        }
    }

    private long fill(boolean known) {
        try (EventLoops loops = new EventLoops();
                FaultInterceptor interceptor = UserfaultfdInterceptor.open(false);
                GuestMemory memory = GuestMemory.missing(RegionTable.single((long) gib << 18), interceptor)) {
            IoEventLoop loop = loops.start("userload-sync");
            interceptor.start(memory, loop, new Nobody());
            MemoryRegion region = memory.region(0);
            long start = System.nanoTime();
            long settled = 0;
            for (long page = 0; page < region.pageCount(); page += RUN_PAGES) {
                int count = (int) Math.min(RUN_PAGES, region.pageCount() - page);
                settled += known
                        ? interceptor.know(region, page, count, 0)
                        : interceptor.installFilled(region, page, count, 0);
            }
            interceptor.complete();
            long nanos = System.nanoTime() - start;
            if (settled != region.pageCount()) {
                throw new IllegalStateException(settled + " pages settled");
            }
            loops.close();
            return nanos;
        }
    }

    /** Nobody touches the memory. */
    private static final class Nobody implements FaultListener {
        @Override
        public void pageFault(int region, long page) {
            throw new IllegalStateException("page " + page + " was touched");
        }

        @Override
        public void faultsDelivered() {
            // None.
        }

        @Override
        public void pagesRemoved(long neverReceived) {
            throw new IllegalStateException("removals are not tracked");
        }
    }
}
