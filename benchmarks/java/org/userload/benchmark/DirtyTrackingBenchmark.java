package org.userload.benchmark;

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
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

/** What a write costs while written pages are tracked: the second and every later write to a page between two collects. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class DirtyTrackingBenchmark {
    private static final long BYTES = 1 << 20;

    /** What tracks. */
    @Param({"NOTHING", "UFFD_WP", "ACCESS_LAYER"})
    public String tracker = "";

    private GuestMemory memory;
    private DirtyTracker opened;
    private long at;

    @Setup(Level.Trial)
    public void open() {
        memory = GuestMemory.present(RegionTable.single(BYTES >>> 12));
        memory.fill(0, BYTES, (byte) 1);
        if (!"NOTHING".equals(tracker)) {
            opened = DirtyTrackers.open(memory, TrackerChoice.valueOf(tracker));
            opened.start();
            memory.fill(0, BYTES, (byte) 2);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        if (opened != null) {
            opened.close();
        }
        memory.close();
    }

    @Benchmark
    public void putLong() {
        at = (at + Long.BYTES) & (BYTES - Long.BYTES);
        memory.putLong(at, at);
    }
}
