package org.userload.benchmark;

import java.util.List;
import java.util.concurrent.Callable;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageRun;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long the source takes to see that a guest which was never used is zero: by reading every page and by {@link
 * LivePageSource}, in turns, each time on new memory; in post-copy and in the first round of a migration that tracks
 * writes.
 */
@Command(name = "UntouchedGuest", mixinStandardHelpOptions = true, description = "First pass over untouched memory.")
public final class UntouchedGuest implements Callable<Integer> {
    private static final int RUN_PAGES = 4096;
    private static final int FRAME_PAGES = 16;

    @Option(names = "--gib", split = ",", description = "Sizes. Default: ${DEFAULT-VALUE}.")
    private List<Integer> sizes = List.of(1, 8);

    @Option(
            names = "--rounds",
            description = "Runs of each kind, after one that is not counted. Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new UntouchedGuest()).execute(arguments));
    }

    @Override
    public Integer call() {
        System.out.println("memory, tracked writes: read ms | page tables ms | ratio; median [min-max] of " + rounds);
        for (int gib : sizes) {
            for (boolean tracked : new boolean[] {false, true}) {
                double[] read = new double[rounds];
                double[] looked = new double[rounds];
                double[] ratios = new double[rounds];
                for (int i = -1; i < rounds; i++) {
                    double first = pass(gib, tracked, true);
                    double second = pass(gib, tracked, false);
                    if (i >= 0) {
                        read[i] = first;
                        looked[i] = second;
                        ratios[i] = second / first;
                    }
                }
                System.out.printf(
                        "%d GiB, %s: %s | %s | %s%n",
                        gib,
                        tracked,
                        Spread.of(read).text(2),
                        Spread.of(looked).text(2),
                        Spread.of(ratios).text(4));
            }
        }
        return 0;
    }

    private static double pass(int gib, boolean tracked, boolean read) {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single((long) gib << 18));
                LivePageSource source = new LivePageSource(memory, "benchmark");
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP)) {
            if (tracked) {
                tracker.start();
            }
            long start = System.nanoTime();
            long zeros = read
                    ? readAll(memory.region(0))
                    : describeAll(source, memory.region(0).pageCount());
            double millis = (System.nanoTime() - start) / 1e6;
            if (zeros != memory.region(0).pageCount()) {
                throw new IllegalStateException("only " + zeros + " pages were found to be zero");
            }
            return millis;
        }
    }

    /** Reads the first pages of each run twice, as the stream does. */
    private static long readAll(MemoryRegion region) {
        long zeros = 0;
        for (long page = 0; page < region.pageCount(); page += RUN_PAGES) {
            region.leadingZeroPages(page, FRAME_PAGES);
            zeros += region.leadingZeroPages(page, RUN_PAGES);
        }
        return zeros;
    }

    private static long describeAll(LivePageSource source, long pages) {
        long zeros = 0;
        for (long page = 0; page < pages; ) {
            PageRun run = source.describe(0, page, FRAME_PAGES);
            if (run.isZero() && run.pageCount() == FRAME_PAGES) {
                run = source.describe(0, page, RUN_PAGES);
            }
            zeros += run.isZero() ? run.pageCount() : 0;
            page += run.pageCount();
        }
        return zeros;
    }
}
