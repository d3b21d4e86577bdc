package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import jnr.ffi.Pointer;

/**
 * A virtual CPU of KVM.
 *
 * <p>A thread in {@link #run} is in native code for the JVM: the guest may wait there for a page that is missing in a
 * userfaultfd, and a garbage collection goes on meanwhile.
 *
 * <p><b>Threads.</b> One thread at a time; only {@link #exitSoon} is for others. <b>Ownership.</b> The owner closes it when no thread is
 * in it, before its machine.
 */
public final class KvmVcpu implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final long MAP_FAILED = -1;

    private final int fd;
    private final Pointer mapped;
    private final int runBytes;
    private final ByteBuffer run;
    private final AtomicBoolean closed = new AtomicBoolean();

    private KvmVcpu(int fd, Pointer mapped, int runBytes, ByteBuffer run) {
        this.fd = fd;
        this.mapped = mapped;
        this.runBytes = runBytes;
        this.run = run;
    }

    static KvmVcpu map(int fd, int runBytes) {
        Pointer start = LibC.C.mmap(null, runBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
        if (start == null || start.address() == MAP_FAILED) {
            int errno = LibC.errno();
            LibC.C.close(fd);
            throw NativeFailure.of("mmap(struct kvm_run)", errno, 0, runBytes);
        }
        ByteBuffer run = NativeBuffers.at(start.address(), runBytes).order(ByteOrder.nativeOrder());
        return new KvmVcpu(fd, start, runBytes, run);
    }

    /** Lets the guest run until something has to be done for it. */
    public KvmExit run() {
        int result = LibC.C.ioctl(fd, KvmLayout.KVM_RUN, 0);
        if (result < 0) {
            int errno = LibC.errno();
            if (errno == Errno.EINTR || errno == Errno.EAGAIN) {
                return new KvmExit.Interrupted();
            }
            throw NativeFailure.of("KVM_RUN", errno);
        }
        int reason = run.getInt(KvmLayout.RUN_EXIT_REASON);
        return switch (reason) {
            case KvmLayout.EXIT_IO -> port();
            case KvmLayout.EXIT_MMIO ->
                new KvmExit.NoMemory(run.getLong(KvmLayout.RUN_EXIT), run.get(KvmLayout.MMIO_IS_WRITE) != 0);
            case KvmLayout.EXIT_HLT -> new KvmExit.Halted();
            case KvmLayout.EXIT_INTR -> new KvmExit.Interrupted();
            case KvmLayout.EXIT_SHUTDOWN -> new KvmExit.Shutdown();
            case KvmLayout.EXIT_FAIL_ENTRY ->
                new KvmExit.Failed(
                        String.format("the CPU refuses to enter the guest: 0x%x", run.getLong(KvmLayout.RUN_EXIT)));
            case KvmLayout.EXIT_INTERNAL_ERROR ->
                new KvmExit.Failed("KVM internal error, suberror " + run.getInt(KvmLayout.RUN_EXIT));
            default -> new KvmExit.Failed("exit for reason " + reason + ", which is not known here");
        };
    }

    private KvmExit port() {
        int bytes = run.get(KvmLayout.IO_SIZE);
        int port = run.getShort(KvmLayout.IO_PORT) & 0xFFFF;
        if (run.getInt(KvmLayout.IO_COUNT) != 1) {
            return new KvmExit.Failed("a string of accesses to port " + port + ", which is not supported");
        }
        if (run.get(KvmLayout.RUN_EXIT) != KvmLayout.IO_OUT) {
            return new KvmExit.PortRead(port, bytes);
        }
        int at = (int) run.getLong(KvmLayout.IO_DATA_OFFSET);
        int value = switch (bytes) {
            case Byte.BYTES -> run.get(at) & 0xFF;
            case Short.BYTES -> run.getShort(at) & 0xFFFF;
            default -> run.getInt(at);
        };
        return new KvmExit.PortWrite(port, bytes, value);
    }

    /** What the guest reads from the port of the last {@link KvmExit.PortRead}. */
    public void answer(int value) {
        int at = (int) run.getLong(KvmLayout.IO_DATA_OFFSET);
        switch (run.get(KvmLayout.IO_SIZE)) {
            case Byte.BYTES -> run.put(at, (byte) value);
            case Short.BYTES -> run.putShort(at, (short) value);
            default -> run.putInt(at, value);
        }
    }

    /**
     * The next {@link #run}, or the one that is about to begin, returns at once, with what was under way for the guest done. A thread
     * that is in the guest is not reached by this alone. Any thread; taken back by {@link #stay}.
     */
    public void exitSoon() {
        run.put(KvmLayout.RUN_IMMEDIATE_EXIT, (byte) 1);
    }

    /** Undoes {@link #exitSoon}. */
    public void stay() {
        run.put(KvmLayout.RUN_IMMEDIATE_EXIT, (byte) 0);
    }

    /** A part of the state. */
    public byte[] get(KvmState part) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(part.bytes());
        KvmVm.call(fd, "KVM_GET_" + part, part.getRequest(), buffer);
        byte[] state = new byte[part.bytes()];
        buffer.get(0, state);
        return state;
    }

    /**
     * Sets a part of the state.
     *
     * @throws IllegalArgumentException when it has another size
     * @throws NativeException when this CPU cannot have it
     */
    public void set(KvmState part, byte[] state) {
        if (state.length != part.bytes()) {
            throw new IllegalArgumentException(part + " of " + state.length + " bytes, not " + part.bytes());
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(part.bytes()).put(0, state);
        KvmVm.call(fd, "KVM_SET_" + part, part.setRequest(), buffer);
    }

    /**
     * The features that the guest sees; before the first {@link #run}.
     *
     * @param cpuid as of {@link Kvm#supportedCpuid}
     */
    public void cpuid(byte[] cpuid) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(cpuid.length).put(0, cpuid);
        KvmVm.call(fd, "KVM_SET_CPUID2", KvmLayout.KVM_SET_CPUID2, buffer);
    }

    /**
     * Reads model specific registers.
     *
     * @return as many values as could be read, from the first on
     */
    public long[] msrs(int[] indexes) {
        ByteBuffer list = msrList(indexes, new long[indexes.length]);
        int done = msrCall("KVM_GET_MSRS", KvmLayout.KVM_GET_MSRS, list);
        long[] values = new long[done];
        for (int i = 0; i < done; i++) {
            values[i] = list.getLong(KvmLayout.MSR_HEADER_BYTES + i * KvmLayout.MSR_ENTRY_BYTES + 8);
        }
        return values;
    }

    /** Sets model specific registers; gives how many could be set, from the first on. */
    public int setMsrs(int[] indexes, long[] values) {
        return msrCall("KVM_SET_MSRS", KvmLayout.KVM_SET_MSRS, msrList(indexes, values));
    }

    private int msrCall(String name, long request, ByteBuffer list) {
        int result = LibC.C.ioctl(fd, request, NativeBuffers.address(list));
        Reference.reachabilityFence(list);
        return (int) NativeFailure.check(name, result, 0, 0);
    }

    private static ByteBuffer msrList(int[] indexes, long[] values) {
        ByteBuffer list = ByteBuffer.allocateDirect(
                        KvmLayout.MSR_HEADER_BYTES + indexes.length * KvmLayout.MSR_ENTRY_BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(0, indexes.length);
        for (int i = 0; i < indexes.length; i++) {
            int at = KvmLayout.MSR_HEADER_BYTES + i * KvmLayout.MSR_ENTRY_BYTES;
            list.putInt(at, indexes[i]).putLong(at + 8, values[i]);
        }
        return list;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.munmap(mapped.address(), runBytes);
            LibC.C.close(fd);
        }
    }
}
