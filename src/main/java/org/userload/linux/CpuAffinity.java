package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Placement of the calling thread on a CPU. */
public final class CpuAffinity {
    /** CPUs that the mask can name. */
    public static final int MAX_CPUS = 1024;

    private CpuAffinity() {}

    /**
     * Binds the calling thread, and the threads it starts from now on, to one CPU.
     *
     * @param cpu 0 to {@link #MAX_CPUS} - 1
     * @throws NativeException when that CPU is not there or not allowed
     */
    public static void pinCurrentThread(int cpu) {
        if (cpu < 0 || cpu >= MAX_CPUS) {
            throw new IllegalArgumentException("no CPU has number " + cpu);
        }
        ByteBuffer mask = ByteBuffer.allocateDirect(MAX_CPUS / Byte.SIZE).order(ByteOrder.nativeOrder());
        mask.putLong(cpu / Long.SIZE * Long.BYTES, 1L << cpu % Long.SIZE);
        int result = LibC.C.sched_setaffinity(0, mask.capacity(), NativeBuffers.address(mask));
        Reference.reachabilityFence(mask);
        NativeFailure.check("sched_setaffinity(" + cpu + ")", result, 0, 0);
    }

    /** The CPU that the calling thread runs on right now. */
    public static int currentCpu() {
        return LibC.C.sched_getcpu();
    }
}
