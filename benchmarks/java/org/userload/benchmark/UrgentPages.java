package org.userload.benchmark;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.memory.GuestMemory;
import org.userload.report.JsonFile;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How long a touched page takes while the stream fills the link: a destination in this process, a source in another, and
 * a thread that touches random pages now and then, first without the stream and then beside it until all are in. Several
 * rounds after warm-up; for each metric the median, the least and the greatest round.
 */
@Command(
        name = "UrgentPages",
        mixinStandardHelpOptions = true,
        description = "Fault latencies of a random toucher beside a stream that saturates a link.")
public final class UrgentPages implements Callable<Integer> {
    @Option(names = "--mib", description = "Size of the memory. Default: ${DEFAULT-VALUE}.")
    private int mib = 64;

    @Option(names = "--link", description = "Link to emulate, RATE[/RTT]. Default: none.")
    private String link;

    @Option(names = "--max-bandwidth", description = "Limit of the source, bytes per second. Default: none.")
    private long cap;

    @Option(names = "--from", description = "Address of a BenchmarkSource that runs already. Default: one is started.")
    private String from;

    @Option(names = "--touch-every", description = "Pause between two touches, us. Default: ${DEFAULT-VALUE}.")
    private int touchEveryMicros = 1000;

    @Option(names = "--idle-touches", description = "Touches before the stream begins. Default: ${DEFAULT-VALUE}.")
    private int idleTouches = 200;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(names = "--warmup", description = "Rounds before that. Default: ${DEFAULT-VALUE}.")
    private int warmup = 20;

    @Option(names = "--json", description = "Also write the result as JSON.")
    private Path json;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new UrgentPages()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (from != null) {
            measure(Endpoint.parse(from));
            return 0;
        }
        String[] more =
                link != null ? new String[] {"link=" + link} : cap > 0 ? new String[] {"cap=" + cap} : new String[0];
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.PATTERN, (long) mib << 8, -1, more)) {
            measure(source.endpoint());
        }
        return 0;
    }

    /** One round. */
    private record Round(double megabytesPerSecond, Histogram idle, Histogram loaded) {}

    private void measure(Endpoint source) throws Exception {
        for (int i = 0; i < warmup; i++) {
            round(source, i);
        }
        Round[] measured = new Round[rounds];
        for (int i = 0; i < rounds; i++) {
            measured[i] = round(source, warmup + i);
        }
        report(measured);
    }

    private Round round(Endpoint source, int seed) throws Exception {
        DestinationConfig config =
                DestinationConfig.from(source).withStreamAtOnce(false).withLink(link == null ? null : Link.parse(link));
        try (Destination destination = Destination.open(config)) {
            SplittableRandom random = new SplittableRandom(seed);
            for (int i = 0; i < idleTouches; i++) {
                touch(destination.memory(), random);
            }
            DestinationStatistics idle = destination.statistics();
            long start = System.nanoTime();
            destination.startStream();
            while (!destination.completion().isDone()) {
                touch(destination.memory(), random);
            }
            DestinationStatistics all = destination.completion().get();
            Histogram loaded = all.faultLatencyNanos();
            loaded.subtract(idle.faultLatencyNanos());
            long bytes = (all.pagesInPlace() - idle.pagesInPlace()) << 12;
            return new Round(bytes * 1e3 / (destination.completedAtNanos() - start), idle.faultLatencyNanos(), loaded);
        }
    }

    /** Touches a random page; a page that is in already counts as nothing and is followed by another at once. */
    private void touch(GuestMemory memory, SplittableRandom random) {
        long pages = memory.sizeBytes() >>> 12;
        for (int i = 0; i < 64; i++) {
            long start = System.nanoTime();
            memory.getLong(random.nextLong(pages) << 12);
            if (System.nanoTime() - start > 10_000) {
                break;
            }
        }
        LockSupport.parkNanos(touchEveryMicros * 1000L);
    }

    private void report(Round[] measured) throws IOException {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%d MiB, %s, %d rounds%n",
                mib,
                from != null
                        ? "from " + from
                        : link != null ? "link " + link : cap > 0 ? "cap of " + cap + " bytes/s" : "no link",
                rounds);
        line(out, object, "stream_mb_per_s", measured, Round::megabytesPerSecond);
        line(out, object, "idle_p50_us", measured, round -> micros(round.idle, 50));
        line(out, object, "idle_p99_us", measured, round -> micros(round.idle, 99));
        line(out, object, "fault_p50_us", measured, round -> micros(round.loaded, 50));
        line(out, object, "fault_p90_us", measured, round -> micros(round.loaded, 90));
        line(out, object, "fault_p99_us", measured, round -> micros(round.loaded, 99));
        line(out, object, "fault_max_us", measured, round -> micros(round.loaded, 100));
        line(out, object, "faults", measured, round -> round.loaded.getTotalCount());
        out.flush();
        if (json != null) {
            JsonFile.check(json).write(object);
        }
    }

    private static double micros(Histogram nanos, double percent) {
        return nanos.getValueAtPercentile(percent) / 1e3;
    }

    private interface Metric {
        double of(Round round);
    }

    private static void line(PrintWriter out, ObjectNode object, String name, Round[] measured, Metric metric) {
        double[] values = new double[measured.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = metric.of(measured[i]);
        }
        Spread spread = Spread.of(values);
        out.printf("  %-16s %s%n", name, spread.text(1));
        spread.write(object.putObject(name));
    }
}
