package org.userload.benchmark;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.Control;
import org.openjdk.jmh.infra.IterationParams;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationMode;

/**
 * What a touch of a guest's memory costs while the guest is moved from another process, and what the move costs.
 *
 * <p><b>The guest</b> has {@value #MEMORY_MIB} MiB that hold the pattern. It writes to random pages of its working set at
 * the dirty rate, first there, then here, until the last page is in place.
 *
 * <p><b>The score</b> is the time of {@code GuestMemory.getLong} of a random page of the working set, missing or not, at
 * the destination: from the moment in which the guest runs here until the last page is in place, one touch after a pause
 * of {@value DirtyingGuest#TOUCH_NANOS} ns after the one before. So it is what a touch at a random moment of that time
 * costs, not the latency of a fault ({@link PageFaultBenchmark}). Pre-copy and stop-and-copy have no such time: their score
 * is one or two touches of present pages.
 *
 * <p><b>While the guest is at the source</b> the same touches are made there, from the start of the migration until the
 * guest is stopped, and are the counters {@code sourceTouch...}. Post-copy and stop-and-copy stop it at once: a touch or
 * none. Between the two lies the downtime.
 *
 * <p>An iteration is one migration; it begins with the iteration's time, and what is left of that is waited for. An
 * iteration that is too short for its migration waits for the rest outside the measured time. Downtime, duration of the
 * migration (from its start until the last page is in place), bytes on the wire and touches at the source are printed for
 * each iteration; their means are the counters. Both processes emulate the link; {@code none} is loopback TCP.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 4, time = 2)
@Fork(1)
public class MigrationBenchmark {
    static final int MEMORY_MIB = 64;

    @Param({"postcopy", "precopy", "hybrid", "stopcopy"})
    public String mode = "";

    @Param({"8", "64"})
    public int workingSetMib;

    /** Page writes per second. */
    @Param({"1000", "15000"})
    public long dirtyRate;

    @Param({"1gbit/200us"})
    public String link = "";

    private final Pattern.Random random = new Pattern.Random(Pattern.SEED);
    private MigratingProcess source;
    private @Nullable MigrationDestination destination;
    private @Nullable DirtyingGuest guest;
    private Costs costs = new Costs();
    private long endNanos;

    /** What one migration took. */
    private record Move(double downtimeMillis, double millis, double wireMib, List<Double> sourceTouchMicros) {
        String text() {
            return String.format(
                    Locale.ROOT,
                    "downtime %.1f ms, migration %.0f ms, wire %.1f MiB, touch at source p50 %.1f p99 %.1f max %.1f us  ",
                    downtimeMillis,
                    millis,
                    wireMib,
                    sourceTouchMicros.get(0),
                    sourceTouchMicros.get(1),
                    sourceTouchMicros.get(2));
        }
    }

    /** Means over the measured iterations: each adds its share, since JMH adds such counters up. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Costs {
        public double downtimeMillis;
        public double migrationMillis;
        public double wireMib;
        public double sourceTouchP50Micros;
        public double sourceTouchP99Micros;

        void add(Move move, double share) {
            downtimeMillis += move.downtimeMillis * share;
            migrationMillis += move.millis * share;
            wireMib += move.wireMib * share;
            sourceTouchP50Micros += move.sourceTouchMicros.get(0) * share;
            sourceTouchP99Micros += move.sourceTouchMicros.get(1) * share;
        }
    }

    @Setup(Level.Trial)
    public void startSource() throws IOException {
        source = MigratingProcess.start(MEMORY_MIB << 8, workingSetMib << 8, dirtyRate, link);
    }

    @TearDown(Level.Trial)
    public void endSource() {
        source.close();
    }

    /** Pauses between touches; begins the migration before the first one, waits when it is over. */
    @Setup(Level.Invocation)
    public void next(Control control, IterationParams iteration)
            throws IOException, ExecutionException, InterruptedException {
        if (!control.startMeasurement) {
            return;
        }
        MigrationDestination migration = destination;
        if (migration == null) {
            endNanos = System.nanoTime() + iteration.getTime().convertTo(TimeUnit.NANOSECONDS);
            begin();
            return;
        }
        LockSupport.parkNanos(DirtyingGuest.TOUCH_NANOS);
        while (migration.completion().isDone() && System.nanoTime() - endNanos < 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private void begin() throws IOException, ExecutionException, InterruptedException {
        DestinationConfig config = DestinationConfig.from(
                        source.offer(MigrationMode.valueOf(mode.toUpperCase(Locale.ROOT))))
                .withLink(MigratingSource.link(link));
        MigrationDestination migration = MigrationDestination.open(
                config, memory -> new DirtyingGuest(memory, workingSetMib << 8, dirtyRate, false));
        destination = migration;
        source.migrate();
        guest = (DirtyingGuest) migration.resumed().get().guest();
    }

    @Benchmark
    public long touch(Costs shown) {
        costs = shown;
        MigrationDestination migration = destination;
        return migration == null
                ? 0
                : migration.destination().memory().getLong((long) random.below(workingSetMib << 8) << 12);
    }

    @TearDown(Level.Iteration)
    public void end(BenchmarkParams migrations) throws IOException, ExecutionException, InterruptedException {
        MigrationDestination migration = destination;
        if (migration == null) {
            return;
        }
        DestinationStatistics statistics = migration.completion().get();
        MigratingSource.Story story = source.awaitStory();
        Move move = new Move(
                migration.resumed().get().downtimeMicros() / 1e3,
                (migration.destination().completedAtNanos() - story.startNanos()) / 1e6,
                statistics.wireBytes() / 1048576.0,
                story.touchMicros());
        System.out.print(move.text());
        costs.add(move, 1.0 / migrations.getMeasurement().getCount());
        if (guest != null) {
            guest.close();
        }
        migration.close();
        destination = null;
        guest = null;
    }
}
