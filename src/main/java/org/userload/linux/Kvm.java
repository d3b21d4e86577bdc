package org.userload.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code /dev/kvm}: makes virtual machines. See {@code Documentation/virt/kvm/api.rst} of the kernel.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> The owner closes it; machines that were made live on.
 */
public final class Kvm implements AutoCloseable {
    private static final String DEVICE = "/dev/kvm";
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;

    private final int fd;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Kvm(int fd) {
        this.fd = fd;
    }

    /**
     * Opens the device.
     *
     * @throws NativeException with ENOENT when there is none, EACCES or EPERM when this user must not use it
     * @throws NativeException.NotSupportedException when it speaks another version
     */
    public static Kvm open() {
        int fd = (int) NativeFailure.check("open(" + DEVICE + ")", LibC.C.open(DEVICE, O_RDWR | O_CLOEXEC), 0, 0);
        Kvm kvm = new Kvm(fd);
        int version = LibC.C.ioctl(fd, KvmLayout.KVM_GET_API_VERSION, 0);
        if (version != KvmLayout.API_VERSION) {
            kvm.close();
            throw NativeException.notSupported("version " + version + " of " + DEVICE);
        }
        return kvm;
    }

    /** Makes a machine without memory and CPUs. */
    public KvmVm createVm() {
        int vm = (int) NativeFailure.check("KVM_CREATE_VM", LibC.C.ioctl(fd, KvmLayout.KVM_CREATE_VM, 0), 0, 0);
        int runBytes = (int) NativeFailure.check(
                "KVM_GET_VCPU_MMAP_SIZE", LibC.C.ioctl(fd, KvmLayout.KVM_GET_VCPU_MMAP_SIZE, 0), 0, 0);
        return new KvmVm(vm, runBytes);
    }

    /** What {@code KVM_CHECK_EXTENSION} says; 0 for what KVM does not know. */
    public int extension(int number) {
        return Math.max(0, LibC.C.ioctl(fd, KvmLayout.KVM_CHECK_EXTENSION, number));
    }

    /** The CPU features that guests may have here: a {@code struct kvm_cpuid2}. */
    public byte[] supportedCpuid() {
        ByteBuffer list = list(
                KvmLayout.CPUID_HEADER_BYTES + KvmLayout.MOST_CPUID_ENTRIES * KvmLayout.CPUID_ENTRY_BYTES,
                KvmLayout.MOST_CPUID_ENTRIES);
        call("KVM_GET_SUPPORTED_CPUID", KvmLayout.KVM_GET_SUPPORTED_CPUID, list);
        byte[] cpuid = new byte[KvmLayout.CPUID_HEADER_BYTES + list.getInt(0) * KvmLayout.CPUID_ENTRY_BYTES];
        list.get(0, cpuid);
        return cpuid;
    }

    /** The model specific registers that belong to a guest's state here. */
    public int[] msrs() {
        ByteBuffer list = list(Integer.BYTES + KvmLayout.MOST_MSRS * Integer.BYTES, KvmLayout.MOST_MSRS);
        call("KVM_GET_MSR_INDEX_LIST", KvmLayout.KVM_GET_MSR_INDEX_LIST, list);
        int[] msrs = new int[list.getInt(0)];
        for (int i = 0; i < msrs.length; i++) {
            msrs[i] = list.getInt(Integer.BYTES * (i + 1));
        }
        return msrs;
    }

    private static ByteBuffer list(int bytes, int most) {
        ByteBuffer list = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        return list.putInt(0, most);
    }

    private void call(String name, long request, ByteBuffer argument) {
        KvmVm.call(fd, name, request, argument);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.close(fd);
        }
    }
}
