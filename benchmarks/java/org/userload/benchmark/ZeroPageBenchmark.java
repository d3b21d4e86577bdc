package org.userload.benchmark;

import com.kenai.jffi.MemoryIO;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.IgnoreError;
import jnr.ffi.types.size_t;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;

/**
 * How long it takes to see whether a page is zero, ns for each page of 4 KiB: all zero, or not in its first or its last
 * word. {@code mebibytes} decides whether the pages lie in a cache or in memory.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public class ZeroPageBenchmark {
    private static final int PAGES = 256;
    private static final int PAGE_BYTES = 4096;
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** What the pages hold. */
    public enum Content {
        ZERO,
        FIRST_WORD,
        LAST_WORD
    }

    /** The C library's own comparison: a page is zero if its first word is, and each byte is as the one 8 bytes before. */
    public interface Comparison {
        @IgnoreError
        int memcmp(long one, long other, @size_t long bytes);
    }

    @Param({"1", "512"})
    public int mebibytes;

    @Param
    public Content content;

    private final Comparison c = LibraryLoader.create(Comparison.class).load("c");
    private GuestMemory memory;
    private MemoryRegion region;
    private ByteBuffer bytes;
    private long address;
    private int at;

    @Setup
    public void fill() {
        int pages = mebibytes << 8;
        memory = GuestMemory.present(RegionTable.single(pages));
        region = memory.region(0);
        address = region.hostAddress();
        bytes = MemoryIO.getInstance().newDirectByteBuffer(address, mebibytes << 20);
        SplittableRandom random = new SplittableRandom(1);
        for (long page = 0; page < pages; page++) {
            memory.fill(page << 12, PAGE_BYTES, (byte) 0);
            if (content != Content.ZERO) {
                long within = content == Content.FIRST_WORD ? 0 : PAGE_BYTES - Long.BYTES;
                memory.putLong((page << 12) + within, random.nextLong() | 1);
            }
        }
    }

    /** The next 256 pages. */
    private int next() {
        int first = at;
        at = (at + PAGES) & ((mebibytes << 8) - 1);
        return first;
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int fourWords() {
        int first = next();
        int zero = 0;
        for (int page = first; page < first + PAGES; page++) {
            zero += fourWords(page << 12) ? 1 : 0;
        }
        return zero;
    }

    private boolean fourWords(int start) {
        for (int i = start; i < start + PAGE_BYTES; i += 4 * Long.BYTES) {
            long bits = (long) LONG.get(bytes, i)
                    | (long) LONG.get(bytes, i + Long.BYTES)
                    | (long) LONG.get(bytes, i + 2 * Long.BYTES)
                    | (long) LONG.get(bytes, i + 3 * Long.BYTES);
            if (bits != 0) {
                return false;
            }
        }
        return true;
    }

    /** What {@link MemoryRegion} does. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int region() {
        int first = next();
        int zero = 0;
        for (int done = 0; done < PAGES; ) {
            int zeros = region.leadingZeroPages(first + done, PAGES - done);
            zero += zeros;
            done += zeros;
            if (done < PAGES) {
                done += region.leadingDataPages(first + done, PAGES - done);
            }
        }
        return zero;
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int memcmp() {
        int first = next();
        int zero = 0;
        for (int page = first; page < first + PAGES; page++) {
            long start = address + ((long) page << 12);
            boolean is = (long) LONG.get(bytes, page << 12) == 0
                    && c.memcmp(start, start + Long.BYTES, PAGE_BYTES - Long.BYTES) == 0;
            zero += is ? 1 : 0;
        }
        return zero;
    }
}
