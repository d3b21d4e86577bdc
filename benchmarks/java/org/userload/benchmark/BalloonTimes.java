package org.userload.benchmark;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.LongUnaryOperator;
import org.userload.hint.Balloon;
import org.userload.hint.FreePages;
import org.userload.hint.HintResult;
import org.userload.hint.RangeBatch;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Times of inflating and deflating: as one range and in scattered ones, of memory that the host has and has not populated. */
@Command(
        name = "BalloonTimes",
        mixinStandardHelpOptions = true,
        description = "Inflates and deflates the balloon of a large guest, with all of madvise, and measures the time.")
public final class BalloonTimes implements Callable<Integer> {
    private static final long HUGE_PAGES = 512;
    private static final int BATCH = 4096;

    @Option(names = "--gib", description = "Memory that goes into the balloon. Default: ${DEFAULT-VALUE}.")
    private int gib = 200;

    @Option(names = "--populated", description = "GiB of it that are populated. Default: ${DEFAULT-VALUE}.")
    private int populatedGib = 2;

    @Option(names = "--runs", description = "Default: ${DEFAULT-VALUE}.")
    private int runs = 5;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new BalloonTimes()).execute(arguments));
    }

    @Override
    public Integer call() {
        long pages = (long) gib << 18;
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, "%d GiB, median [min-max] of %d, the first of %d left out%n", gib, runs, runs + 1);
        out.println("ranges | inflate ms | attach to a migration ms | deflate ms");
        report(out, "one", pages, pages, 0);
        report(out, "of 2 MiB, every second one", pages, HUGE_PAGES, 0);
        report(out, "one, first " + populatedGib + " GiB populated", pages, pages, (long) populatedGib << 18);
        out.flush();
        return 0;
    }

    /** Ranges of {@code length} pages, with as many pages between them unless it is one. */
    private void report(PrintWriter out, String what, long pages, long length, long populated) {
        boolean one = length == pages;
        double[] inflate = new double[runs];
        double[] attach = new double[runs];
        double[] deflate = new double[runs];
        RegionTable table = RegionTable.single(one ? pages : 2 * pages);
        try (GuestMemory memory = GuestMemory.present(table)) {
            Balloon balloon = Balloon.empty(memory, 0);
            LongUnaryOperator range = i -> one ? 0 : 2 * i * length;
            for (int run = -1; run < runs; run++) {
                for (long page = 0; page < populated; page++) {
                    memory.putLong(page << 12, 1);
                }
                FreePages free = new FreePages(table);
                free.watch();
                double inflated = millis(() -> change(balloon, pages / length, length, range, true));
                double attached = millis(() -> balloon.attach(free));
                balloon.detach(true);
                double deflated = millis(() -> change(balloon, pages / length, length, range, false));
                if (run >= 0) {
                    inflate[run] = inflated;
                    attach[run] = attached;
                    deflate[run] = deflated;
                }
            }
        }
        out.printf(
                "%s | %s | %s | %s%n",
                what,
                Spread.of(inflate).text(3),
                Spread.of(attach).text(3),
                Spread.of(deflate).text(3));
    }

    private static double millis(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e6;
    }

    private static void change(Balloon balloon, long ranges, long length, LongUnaryOperator first, boolean inflate) {
        RangeBatch message = new RangeBatch();
        for (long i = 0; i < ranges; ) {
            message.clear();
            for (; i < ranges && message.size() < BATCH; i++) {
                message.add(first.applyAsLong(i), length);
            }
            HintResult result = inflate ? balloon.inflate(message) : balloon.deflate(message);
            if (result instanceof HintResult.Refused refused) {
                throw new IllegalStateException(refused.message());
            }
        }
    }
}
