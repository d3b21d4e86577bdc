package org.userload.benchmark;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
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
 * a thread that touches random pages now and then until all are in. Several rounds after warm-up; for each metric the
 * median, the least and the greatest round.
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

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(names = "--warmup", description = "Rounds before that. Default: ${DEFAULT-VALUE}.")
    private int warmup = 3;

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
    private record Round(double megabytesPerSecond, double p50, double p90, double p99, double max, long faults) {}

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
        DestinationConfig config = DestinationConfig.from(source).withLink(link == null ? null : Link.parse(link));
        try (Destination destination = Destination.open(config)) {
            touchUntilComplete(destination, seed);
            DestinationStatistics statistics = destination.completion().get(10, TimeUnit.MINUTES);
            Histogram nanos = statistics.faultLatencyNanos();
            return new Round(
                    destination.memory().sizeBytes() * 1e3 / statistics.completionNanos(),
                    nanos.getValueAtPercentile(50) / 1e3,
                    nanos.getValueAtPercentile(90) / 1e3,
                    nanos.getValueAtPercentile(99) / 1e3,
                    nanos.getMaxValue() / 1e3,
                    nanos.getTotalCount());
        }
    }

    /** Touches random pages; a touch of a page that is in already counts as nothing and is followed by another at once. */
    private void touchUntilComplete(Destination destination, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        GuestMemory memory = destination.memory();
        long pages = memory.sizeBytes() >>> 12;
        while (!destination.completion().isDone()) {
            for (int i = 0; i < 64; i++) {
                long start = System.nanoTime();
                memory.getLong(random.nextLong(pages) << 12);
                if (System.nanoTime() - start > 10_000) {
                    break;
                }
            }
            LockSupport.parkNanos(touchEveryMicros * 1000L);
        }
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
        line(out, object, "fault_p50_us", measured, Round::p50);
        line(out, object, "fault_p90_us", measured, Round::p90);
        line(out, object, "fault_p99_us", measured, Round::p99);
        line(out, object, "fault_max_us", measured, Round::max);
        line(out, object, "faults", measured, Round::faults);
        out.flush();
        if (json != null) {
            JsonFile.check(json).write(object);
        }
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
