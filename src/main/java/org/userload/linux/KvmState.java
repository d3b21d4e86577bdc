package org.userload.linux;

/**
 * A part of a virtual CPU's state that KVM gives and takes as a structure of fixed size (x86-64), in the order in which the parts are
 * to be set. Sizes as in {@code asm/kvm.h}.
 */
public enum KvmState {
    /** General registers, instruction pointer, flags: {@code struct kvm_regs}. */
    REGISTERS(0x81, 0x82, 144),
    /** Segments, control registers, EFER: {@code struct kvm_sregs}. */
    SPECIAL_REGISTERS(0x83, 0x84, 312),
    /** Which parts of the extended state are on: {@code struct kvm_xcrs}. */
    EXTENDED_CONTROL(0xa6, 0xa7, 392),
    /** Floating point and vector registers: {@code struct kvm_xsave}. */
    EXTENDED_STATE(0xa4, 0xa5, 4096),
    /** Exceptions and interrupts that are under way: {@code struct kvm_vcpu_events}. */
    EVENTS(0x9f, 0xa0, 64),
    /** {@code struct kvm_debugregs}. */
    DEBUG_REGISTERS(0xa1, 0xa2, 128),
    /** Whether it runs or waits: {@code struct kvm_mp_state}. */
    RUN_STATE(0x98, 0x99, 4);

    private final int get;
    private final int set;
    private final int bytes;

    KvmState(int get, int set, int bytes) {
        this.get = get;
        this.set = set;
        this.bytes = bytes;
    }

    /** Size of the structure. */
    public int bytes() {
        return bytes;
    }

    long getRequest() {
        return KvmLayout.read(get, bytes);
    }

    long setRequest() {
        return KvmLayout.write(set, bytes);
    }
}
