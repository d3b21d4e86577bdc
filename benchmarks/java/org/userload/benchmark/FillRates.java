package org.userload.benchmark;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.userload.destination.DestinationConfig;
import org.userload.linux.Mapping;
import org.userload.linux.NativeMemory;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationMode;
import org.userload.migration.RoundReport;
import org.userload.report.JsonFile;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How fast memory that nobody uses comes to the destination in each mode, in turns: a source in a process of its own,
 * loopback TCP. For post-copy that is all of memory from the moment in which the guest runs here until the last page is in
 * place; for the others the first pass over it, until the source knows that it is in place.
 */
@Command(
        name = "FillRates",
        mixinStandardHelpOptions = true,
        description = "MB/s of the stream of post-copy and of the first pass of the other modes, in turns; downtimes.")
public final class FillRates implements Callable<Integer> {
    @Option(names = "--mib", description = "Size of the memory. Default: ${DEFAULT-VALUE}.")
    private int mib = 1024;

    @Option(names = "--mode", split = ",", description = "Modes. Default: ${DEFAULT-VALUE}.")
    private List<String> modes = List.of("postcopy", "precopy", "stopcopy");

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(names = "--warmup", description = "Rounds before that. Default: ${DEFAULT-VALUE}.")
    private int warmup = 2;

    @Option(names = "--json", description = "Also write the result as JSON.")
    private Path json;

    @Spec
    private CommandSpec spec;

    private final Map<MigrationMode, double[]> rates = new EnumMap<>(MigrationMode.class);
    private final Map<MigrationMode, double[]> downtimes = new EnumMap<>(MigrationMode.class);

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FillRates()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, ExecutionException, InterruptedException {
        try (MigratingProcess source = MigratingProcess.start((long) mib << 8, (long) mib << 8, 0, "none")) {
            for (int round = -warmup; round < rounds; round++) {
                for (String name : modes) {
                    measure(source, MigrationMode.valueOf(name.toUpperCase(Locale.ROOT)), round);
                }
            }
        }
        report();
        return 0;
    }

    private void measure(MigratingProcess source, MigrationMode mode, int round)
            throws IOException, ExecutionException, InterruptedException {
        warmHost();
        try (MigrationDestination migration = MigrationDestination.open(
                DestinationConfig.from(source.offer(mode)), memory -> new DirtyingGuest(memory, 1, 0, false))) {
            source.migrate();
            MigrationDestination.Resumed resumed = migration.resumed().get();
            long runsNanos = System.nanoTime();
            migration.completion().get();
            ((DirtyingGuest) resumed.guest()).close();
            MigratingSource.Story story = source.awaitStory();
            if (round >= 0) {
                long micros = mode == MigrationMode.POSTCOPY
                        ? (migration.destination().completedAtNanos() - runsNanos) / 1000
                        : firstPass(story);
                put(rates, mode, round, (double) ((long) mib << 20) / micros);
                put(downtimes, mode, round, resumed.downtimeMicros() / 1e3);
            }
        }
    }

    private long firstPass(MigratingSource.Story story) {
        RoundReport first = story.rounds().get(0);
        if (first.pagesSent() != (long) mib << 8) {
            throw new IllegalStateException("the first pass sent " + first.pagesSent() + " pages");
        }
        return first.us();
    }

    /** Memory that the machine's host has to back first would be measured otherwise. */
    private void warmHost() {
        try (Mapping mapping = Mapping.anonymous((long) mib << 20)) {
            NativeMemory.zero(mapping.address(), (long) mib << 20);
        }
    }

    private void put(Map<MigrationMode, double[]> values, MigrationMode mode, int round, double value) {
        values.computeIfAbsent(mode, any -> new double[rounds])[round] = value;
    }

    private void report() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        out.printf(Locale.ROOT, "%d MiB that nobody uses, %d rounds%n", mib, rounds);
        double[] stream = rates.get(MigrationMode.POSTCOPY);
        rates.forEach((mode, values) -> {
            ObjectNode of = object.putObject(mode.toString());
            line(out, of, mode + " mb_per_s", 0, values);
            if (stream != null && values != stream) {
                line(out, of, mode + " ratio_to_postcopy", 2, ratios(values, stream));
            }
            line(out, of, mode + " downtime_ms", 1, downtimes.get(mode));
        });
        out.flush();
        if (json != null) {
            JsonFile.check(json).write(object);
        }
    }

    /** Of the same round each. */
    private static double[] ratios(double[] values, double[] to) {
        double[] ratios = values.clone();
        Arrays.setAll(ratios, i -> values[i] / to[i]);
        return ratios;
    }

    private static void line(PrintWriter out, ObjectNode object, String name, int decimals, double... values) {
        Spread spread = Spread.of(values);
        out.printf("  %-28s %s%n", name, spread.text(decimals));
        spread.write(object.putObject(name.substring(name.indexOf(' ') + 1)));
    }
}
