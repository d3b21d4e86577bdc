package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A virtual machine of KVM: memory slots and virtual CPUs.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> The owner closes it after its CPUs, and gives the memory of its slots back after that.
 */
public final class KvmVm implements AutoCloseable {
    /** Three pages that some CPUs need for real mode, at an address that no memory slot has. */
    private static final long TSS_ADDRESS = 0xfffbd000L;

    private static final long IDENTITY_MAP_ADDRESS = 0xfffbc000L;

    private final int fd;
    private final int runBytes;
    private final AtomicBoolean closed = new AtomicBoolean();

    KvmVm(int fd, int runBytes) {
        this.fd = fd;
        this.runBytes = runBytes;
        ByteBuffer map = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
        call(
                fd,
                "KVM_SET_IDENTITY_MAP_ADDR",
                KvmLayout.KVM_SET_IDENTITY_MAP_ADDR,
                map.putLong(0, IDENTITY_MAP_ADDRESS));
        NativeFailure.check("KVM_SET_TSS_ADDR", LibC.C.ioctl(fd, KvmLayout.KVM_SET_TSS_ADDR, TSS_ADDRESS), 0, 0);
    }

    /**
     * Gives the guest memory, or changes how that of a slot is treated.
     *
     * @param slot from 0
     * @param guestAddress guest physical address, page-aligned
     * @param hostAddress page-aligned, of {@code bytes} that stay mapped until the machine is closed
     * @param logDirty whether {@link #dirtyLog} is kept
     */
    public void memory(int slot, long guestAddress, long hostAddress, long bytes, boolean logDirty) {
        ByteBuffer region = ByteBuffer.allocateDirect(KvmLayout.MEMORY_REGION_BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(0, slot)
                .putInt(4, logDirty ? KvmLayout.MEM_LOG_DIRTY_PAGES : 0)
                .putLong(8, guestAddress)
                .putLong(16, bytes)
                .putLong(24, hostAddress);
        int result = LibC.C.ioctl(fd, KvmLayout.KVM_SET_USER_MEMORY_REGION, NativeBuffers.address(region));
        Reference.reachabilityFence(region);
        NativeFailure.check("KVM_SET_USER_MEMORY_REGION", result, hostAddress, bytes);
    }

    /**
     * Takes the pages of a slot that virtual CPUs have written since the last call: a bit for each, lowest first.
     *
     * @param bits host address of the bits, rounded up to 8 bytes
     */
    public void dirtyLog(int slot, long bits) {
        ByteBuffer log = ByteBuffer.allocateDirect(16)
                .order(ByteOrder.nativeOrder())
                .putInt(0, slot)
                .putLong(8, bits);
        call(fd, "KVM_GET_DIRTY_LOG", KvmLayout.KVM_GET_DIRTY_LOG, log);
    }

    /** {@code id}: from 0 */
    public KvmVcpu createVcpu(int id) {
        int vcpu = (int) NativeFailure.check("KVM_CREATE_VCPU", LibC.C.ioctl(fd, KvmLayout.KVM_CREATE_VCPU, id), 0, 0);
        return KvmVcpu.map(vcpu, runBytes);
    }

    static void call(int fd, String name, long request, ByteBuffer argument) {
        int result = LibC.C.ioctl(fd, request, NativeBuffers.address(argument));
        Reference.reachabilityFence(argument);
        NativeFailure.check(name, result, 0, 0);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.close(fd);
        }
    }
}
