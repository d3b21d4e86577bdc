package org.userload.benchmark;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.userload.hint.Balloon;
import org.userload.hint.FreePages;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.migration.simulation.Simulation;
import org.userload.trace.ColdPages;
import org.userload.trace.ReplayedChannel;
import org.userload.transport.Link;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What leaving out free pages saves, beside what was published and what is aimed at. Migrations are pre-copy within this
 * process over loopback TCP without a link, with and without hints in turns, each on new memory; a ratio is of the two
 * migrations of one turn. Times are from the start of the migration until the last page is in place.
 */
@Command(
        name = "FreeMemoryTable",
        mixinStandardHelpOptions = true,
        description = "Migrations with and without hints of free pages, as a table.")
public final class FreeMemoryTable implements Callable<Integer> {
    private static final String ROW = "| %s | %s | %s | %s | %s | %s |%n";
    private static final int PAGES_PER_MIB = 256;
    private static final int PAGES_PER_GIB = 1 << 18;
    private static final long WRITES_PER_SECOND = 20_000;
    private static final int WINDOWS = 10;
    private static final Duration WINDOW = Duration.ofMillis(100);

    @Option(
            names = "--runs",
            description = "Turns of each case, after one that is not counted. Default: ${DEFAULT-VALUE}.")
    private int runs = 5;

    @Option(
            names = "--mib",
            description =
                    "Size of the guests that stand for one of 8 GiB. Default: ${DEFAULT-VALUE}; twice that is needed.")
    private int mebibytes = 2048;

    @Option(names = "--quick", description = "A quick look: guests of at most 256 MiB, three turns.")
    private boolean quick;

    /** A migration that is made with hints and without. */
    private record Row(String name, int mebibytes, FreeMemoryMigration.Kind kind, String published, String goal) {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FreeMemoryTable()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (quick) {
            runs = Math.min(runs, 3);
        }
        System.out.printf(ROW, "case", "without ms", "with ms", "change", "published", "goal");
        System.out.printf(ROW, "---", "---", "---", "---", "---", "---");
        for (Row row : rows()) {
            migrate(row);
        }
        simulate();
        slowdown();
        collect();
        return 0;
    }

    private List<Row> rows() {
        int scaled = atMost(mebibytes);
        String size = size(scaled) + " for 8 GiB";
        List<Row> rows = new ArrayList<>();
        rows.add(new Row("idle, 1/16 in use, " + size, scaled, FreeMemoryMigration.Kind.IDLE, "-77 %", "-90 %"));
        rows.add(new Row(
                "writes to 1/32, 1/8 in use, " + size, scaled, FreeMemoryMigration.Kind.WRITING, "-44 %", "-60 %"));
        addSizes(
                rows,
                "untouched",
                FreeMemoryMigration.Kind.UNTOUCHED,
                "not above 0",
                new int[] {1024, 8192},
                new String[] {"QEMU 7.2: 90 -> 193 ms", "QEMU 7.2: 539 -> 1166 ms"});
        addSizes(rows, "used and freed", FreeMemoryMigration.Kind.FREED, "-90 %", new int[] {1024, 2048}, new String[] {
            "QEMU 7.2: 1203 -> 524 ms", "QEMU 7.2: 2942 -> 1682 ms"
        });
        return rows;
    }

    private void addSizes(
            List<Row> rows,
            String name,
            FreeMemoryMigration.Kind kind,
            String goal,
            int[] mebibytesOfEach,
            String[] published) {
        for (int i = 0; i < (quick ? 1 : published.length); i++) {
            int mib = atMost(mebibytesOfEach[i]);
            String instead = mib < mebibytesOfEach[i] ? " for " + size(mebibytesOfEach[i]) : "";
            rows.add(new Row(name + ", " + size(mib) + instead, mib, kind, published[i], goal));
        }
    }

    private int atMost(int wanted) {
        return quick ? Math.min(wanted, 256) : wanted;
    }

    private static String size(int mib) {
        return mib % 1024 == 0 ? mib / 1024 + " GiB" : mib + " MiB";
    }

    private void migrate(Row row) throws Exception {
        double[] without = new double[runs];
        double[] with = new double[runs];
        double[] change = new double[runs];
        FreeMemoryMigration migration =
                new FreeMemoryMigration((long) row.mebibytes * PAGES_PER_MIB, row.kind, WRITES_PER_SECOND);
        for (int run = -1; run < runs; run++) {
            double first = migration.millis(false);
            double second = migration.millis(true);
            if (run >= 0) {
                without[run] = first;
                with[run] = second;
                change[run] = 100 * (second / first - 1);
            }
        }
        print(row.name, Spread.of(without).text(1), Spread.of(with).text(1), percent(change), row.published, row.goal);
    }

    /** 128 GiB, of which 2 GiB are in use, with a working set of 256 MiB, by the model; there is no spread. */
    private void simulate() {
        long pages = 128L * PAGES_PER_GIB;
        long used = 2L * PAGES_PER_GIB;
        long workingSet = PAGES_PER_GIB / 4;
        SimulatedGuest guest = new SimulatedGuest(
                pages,
                new SimulatedGuest.Idle(0, pages - used, 0),
                workingSet,
                SimulatedGuest.Place.SPREAD,
                SimulatedGuest.Pattern.RANDOM,
                5_000,
                5_000);
        double without = simulated(guest, false);
        double with = simulated(guest, true);
        print(
                "128 GiB, 2 GiB in use, 10gbit, simulated",
                String.format(Locale.ROOT, "%.0f", without),
                String.format(Locale.ROOT, "%.0f", with),
                String.format(Locale.ROOT, "%+.1f %%", 100 * (with / without - 1)),
                "54 -> 9 s, -84 %",
                "-95 %");
    }

    private static double simulated(SimulatedGuest guest, boolean hints) {
        MigrationPlan plan = MigrationPlan.of(MigrationMode.PRECOPY).withHints(hints);
        return Simulation.run(guest, Link.parse("10gbit"), MachineCosts.ASSUMED.withBytesPerSecond(1e10), plan, 1)
                        .migrationMicros()
                / 1e3;
    }

    /** A thread writes to 64 MiB as fast as it can, while the guest of 8 GiB is asked again and again, and while it is not. */
    private void slowdown() throws Exception {
        double[] quiet = new double[runs];
        double[] asked = new double[runs];
        double[] change = new double[runs];
        try (AskedGuest guest = AskedGuest.open(8L * PAGES_PER_GIB)) {
            for (int run = -1; run < runs; run++) {
                double first = 0;
                double second = 0;
                for (int window = 0; window < WINDOWS; window += 2) {
                    // Quiet, asked, asked, quiet: a machine that gets slower or faster favours neither.
                    first += guest.writesPerSecond(false, WINDOW);
                    second += guest.writesPerSecond(true, WINDOW) + guest.writesPerSecond(true, WINDOW);
                    first += guest.writesPerSecond(false, WINDOW);
                }
                if (run >= 0) {
                    quiet[run] = first / WINDOWS / 1e6;
                    asked[run] = second / WINDOWS / 1e6;
                    change[run] = 100 * (first / second - 1);
                }
            }
        }
        print(
                "slowdown of a guest that is asked 10 times a second, M writes/s",
                Spread.of(quiet).text(1),
                Spread.of(asked).text(1),
                percent(change),
                "none seen",
                "under 2 %");
    }

    /** Until every free page of an 8 GiB guest is known, over the guest channel. */
    private void collect() throws Exception {
        double[] millis = new double[runs];
        long pages = 8L * PAGES_PER_GIB;
        ColdPages cold = ColdPages.of(1, pages - 1, new ColdPages.Shares(0, 0.9, 0), 1);
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages));
                ReplayedChannel channel = ReplayedChannel.open(cold, Balloon.empty(memory, 0))) {
            for (int run = -3; run < runs; run++) {
                FreePages free = new FreePages(memory.table());
                free.watch();
                int epoch = free.beginEpoch();
                long start = System.nanoTime();
                channel.freePageReporter()
                        .report(epoch, (address, count) -> free.hint(epoch, address, count))
                        .get();
                if (run >= 0) {
                    millis[run] = (System.nanoTime() - start) / 1e6;
                }
                if (free.count() != cold.count(ColdPages.Kind.FREE)) {
                    throw new IllegalStateException("not every free page was reported");
                }
            }
        }
        print(
                "collecting hints, 8 GiB in " + cold.runs(ColdPages.Kind.FREE).size() + " free areas, ms",
                "",
                Spread.of(millis).text(2),
                "",
                "20 ms",
                "10 ms");
    }

    private static String percent(double[] values) {
        Spread spread = Spread.of(values);
        return String.format(Locale.ROOT, "%+.1f %% [%+.1f to %+.1f]", spread.median(), spread.min(), spread.max());
    }

    private static void print(String name, String without, String with, String change, String published, String goal) {
        System.out.printf(ROW, name, without, with, change, published, goal);
    }
}
