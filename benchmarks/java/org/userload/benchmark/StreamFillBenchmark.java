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
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.linux.Mapping;
import org.userload.linux.NativeMemory;

/**
 * 512 MiB of memory by stream, nobody touching it, with the source in another process over loopback TCP: from opening
 * the session until it is over. Each iteration also prints MB/s, counted until the last page is in.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 8)
@Measurement(iterations = 10)
@Fork(1)
public class StreamFillBenchmark {
    private static final int PAGES = 512 << 8;
    private static final long BYTES = (long) PAGES << 12;

    @Param({"USERFAULTFD", "SOFTWARE"})
    public InterceptorChoice interceptor = InterceptorChoice.AUTO;

    private SourceProcess source;
    private Destination destination;
    private long completionNanos;

    @Setup(Level.Trial)
    public void openSource() throws IOException {
        source = SourceProcess.start(BenchmarkSource.Content.PATTERN, PAGES, -1);
    }

    @TearDown(Level.Trial)
    public void closeSource() throws IOException {
        source.close();
    }

    /** Memory that the machine's host has to back first would be measured otherwise. */
    @Setup(Level.Invocation)
    public void warmHost() {
        try (Mapping mapping = Mapping.anonymous(BYTES)) {
            NativeMemory.zero(mapping.address(), BYTES);
        }
    }

    @Benchmark
    public DestinationStatistics fill() throws Exception {
        destination = Destination.open(DestinationConfig.from(source.endpoint()).withInterceptor(interceptor));
        DestinationStatistics statistics = destination.completion().get(60, TimeUnit.SECONDS);
        completionNanos = statistics.completionNanos();
        return statistics;
    }

    @TearDown(Level.Invocation)
    public void closeDestination() {
        destination.close();
        System.out.printf(Locale.ROOT, "%.0f MB/s  ", BYTES * 1e3 / completionNanos);
    }
}
