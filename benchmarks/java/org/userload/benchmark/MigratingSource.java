package org.userload.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.MigrationReport;
import org.userload.migration.MigrationSource;
import org.userload.migration.RoundReport;
import org.userload.report.JsonLine;
import org.userload.source.ServerConfig;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * The source process of a benchmark of migrations: a {@link DirtyingGuest} on memory that holds the pattern, moved again
 * and again, each time another guest on the same memory.
 *
 * <p>For each migration it reads a line with the mode, answers with the address, runs the guest, reads another line,
 * migrates, and answers with a {@link Story} as JSON once the destination has every page. Ends with its input, so that it
 * never outlives its parent.
 */
final class MigratingSource {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private MigratingSource() {}

    /**
     * What the source knows about a migration. Times are of {@link System#nanoTime()}, which processes of one host share.
     *
     * @param startNanos when it began
     * @param pausedNanos when the guest was stopped
     * @param rounds its rounds
     * @param touchMicros p50, p99 and greatest of the guest's touches from the start until it was stopped
     */
    record Story(long startNanos, long pausedNanos, List<RoundReport> rounds, List<Double> touchMicros) {}

    /** Arguments: pages of memory, pages of the working set, page writes per second, link or {@code none}. */
    public static void main(String[] arguments) throws IOException, ExecutionException, InterruptedException {
        long pages = Long.parseLong(arguments[0]);
        long workingSet = Long.parseLong(arguments[1]);
        long writes = Long.parseLong(arguments[2]);
        ServerConfig config = ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withLink(link(arguments[3]));
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages))) {
            Pattern.fill(memory, Pattern.SEED);
            for (String mode = commands.readLine(); mode != null; mode = commands.readLine()) {
                MigrationPlan plan = MigrationPlan.of(MigrationMode.valueOf(mode.toUpperCase(Locale.ROOT)));
                try (DirtyingGuest guest = new DirtyingGuest(memory, workingSet, writes, true);
                        MigrationSource source = MigrationSource.listen(config, guest, memory, plan)) {
                    move(guest, source, commands);
                }
            }
        }
    }

    static @Nullable Link link(String name) {
        return name.equals("none") ? null : Link.parse(name);
    }

    private static void move(DirtyingGuest guest, MigrationSource source, BufferedReader commands)
            throws IOException, ExecutionException, InterruptedException {
        guest.resume();
        System.out.println(source.endpoint());
        if (commands.readLine() == null) {
            return;
        }
        source.awaitDestination(PATIENCE);
        guest.forgetTouches();
        source.migrate(PATIENCE);
        source.completion().get();
        MigrationReport report = source.report();
        if (report == null) {
            throw new IllegalStateException("a migration that is complete has no report");
        }
        System.out.println(JsonLine.of(
                new Story(report.startNanos(), report.pausedNanos(), report.rounds(), summary(guest.touchNanos()))));
    }

    private static List<Double> summary(Histogram nanos) {
        return List.of(
                nanos.getValueAtPercentile(50) / 1e3, nanos.getValueAtPercentile(99) / 1e3, nanos.getMaxValue() / 1e3);
    }
}
