package org.userload.support;

import com.kenai.jffi.MemoryIO;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.userload.memory.MemoryRegion;

/** Memory past the page-access layer: by Unsafe and by buffers over an address, as any Java library may use it. */
public final class RawMemory {
    private static final MethodHandle GET_LONG = unsafeGetLong();

    private RawMemory() {}

    private static MethodHandle unsafeGetLong() {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field field = type.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return MethodHandles.lookup()
                    .findVirtual(type, "getLong", MethodType.methodType(long.class, long.class))
                    .bindTo(field.get(null));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** {@code Unsafe.getLong}. */
    public static long getLong(long hostAddress) {
        try {
            return (long) GET_LONG.invokeExact(hostAddress);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** A little-endian buffer over a region's memory of less than 2 GiB. */
    public static ByteBuffer buffer(MemoryRegion region) {
        return MemoryIO.getInstance()
                .newDirectByteBuffer(region.hostAddress(), Math.toIntExact(region.sizeBytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
    }
}
