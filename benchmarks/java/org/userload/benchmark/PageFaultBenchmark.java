package org.userload.benchmark;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
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
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

/**
 * The first touch of a missing page through the page-access layer, in random order, with the source in another process
 * over loopback TCP; {@code local} without source and network, from memory of this process.
 *
 * <p>Each iteration opens a session of its own; one that runs out of pages opens another, outside the measured time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 6, time = 1)
@Fork(1)
public class PageFaultBenchmark {
    private static final int PAGES = 1 << 18;

    @Param({"userfaultfd", "software", "signal", "local"})
    public String interceptor = "";

    private final int[] order = Pattern.randomOrder(PAGES, PAGES, Pattern.SEED);
    private int used;
    private AutoCloseable source;
    private AutoCloseable session;
    private GuestMemory memory;

    @Setup(Level.Trial)
    public void openSource() throws IOException {
        if (isLocal()) {
            GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES));
            Pattern.fill(origin, Pattern.SEED);
            source = origin;
        } else {
            source = SourceProcess.start(BenchmarkSource.Content.PATTERN, PAGES, -1);
        }
    }

    @TearDown(Level.Trial)
    public void closeSource() throws Exception {
        source.close();
    }

    @Setup(Level.Iteration)
    public void openSession() throws IOException {
        if (isLocal()) {
            LocalPages local = new LocalPages((GuestMemory) source);
            session = local;
            memory = local.memory();
        } else {
            Destination destination = Destination.open(DestinationConfig.from(((SourceProcess) source).endpoint())
                    .withInterceptor(InterceptorChoice.valueOf(interceptor.toUpperCase(Locale.ROOT)))
                    .withStreamAtOnce(false));
            session = destination;
            memory = destination.memory();
        }
        used = 0;
    }

    @TearDown(Level.Iteration)
    public void closeSession() throws Exception {
        session.close();
    }

    /** An invocation takes microseconds, so that a level for each costs little beside it. */
    @Setup(Level.Invocation)
    public void refresh() throws Exception {
        if (used == PAGES) {
            closeSession();
            openSession();
        }
    }

    private boolean isLocal() {
        return "local".equals(interceptor);
    }

    @Benchmark
    public long touchMissingPage() {
        return memory.getLong((long) order[used++] << 12);
    }
}
