package org.userload.benchmark;

import com.kenai.jffi.MemoryIO;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

/** The page-access layer on present pages, beside plain off-heap access to the same memory by the same addresses. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class GuestMemoryBenchmark {
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** {@code sun.misc.Unsafe.getLong(long)}, by name, since the compiler warns about it. */
    private static final MethodHandle UNSAFE_GET_LONG = unsafeGetLong();

    private static final long ODD_STEP = 0x9E3779B97F4A7C15L;

    /** Order of addresses: {@code sequential} stays in the first-level cache mostly, {@code random} does not. */
    @Param({"sequential", "random"})
    public String order = "";

    /** MiB of memory. 1 stays in the second-level cache, 256 in none. */
    @Param({"1", "256"})
    public int mib;

    private GuestMemory memory;
    private ByteBuffer plain;
    private long plainAddress;
    private long mask;
    private long step;
    private long state;
    private final byte[] page = new byte[4096];

    @Setup(Level.Trial)
    public void open() {
        long bytes = (long) mib << 20;
        memory = GuestMemory.present(RegionTable.single(bytes >>> 12));
        Pattern.fill(memory, Pattern.SEED);
        plainAddress = memory.region(0).hostAddress();
        plain = MemoryIO.getInstance().newDirectByteBuffer(plainAddress, (int) bytes);
        mask = bytes - Long.BYTES;
        step = "random".equals(order) ? ODD_STEP : Long.BYTES;
    }

    @TearDown(Level.Trial)
    public void close() {
        memory.close();
    }

    private static MethodHandle unsafeGetLong() {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field field = type.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return MethodHandles.lookup()
                    .findVirtual(type, "getLong", MethodType.methodType(long.class, long.class))
                    .bindTo(field.get(null));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no sun.misc.Unsafe", e);
        }
    }

    /** The upper bits of a product or sum with an odd constant walk over all of memory. */
    private long next() {
        long now = state + step;
        state = now;
        return (step == Long.BYTES ? now : now >>> 20) & mask;
    }

    @Benchmark
    public long addressOnly() {
        return next();
    }

    @Benchmark
    public long plainGetLong() {
        return (long) LONGS.get(plain, (int) next());
    }

    @Benchmark
    public long plainUnsafeGetLong() throws Throwable {
        return (long) UNSAFE_GET_LONG.invokeExact(plainAddress + next());
    }

    @Benchmark
    public long getLong() {
        return memory.getLong(next());
    }

    @Benchmark
    public byte getByte() {
        return memory.getByte(next());
    }

    @Benchmark
    public void plainPutLong() {
        LONGS.set(plain, (int) next(), state);
    }

    @Benchmark
    public void putLong() {
        memory.putLong(next(), state);
    }

    @Benchmark
    public long plainGetAndAdd() {
        return (long) LONGS.getAndAdd(plain, (int) next(), 1L);
    }

    @Benchmark
    public long getAndAdd() {
        return memory.getAndAddLong(next(), 1);
    }

    @Benchmark
    public byte[] plainGetPage() {
        plain.get((int) next() & -4096, page, 0, page.length);
        return page;
    }

    @Benchmark
    public byte[] getPage() {
        memory.get(next() & -4096, page, 0, page.length);
        return page;
    }
}
