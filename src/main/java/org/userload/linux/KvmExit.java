package org.userload.linux;

/** Why a virtual CPU has left the guest. */
public sealed interface KvmExit {
    /** The guest has written a value of some bytes, little-endian, to a port. */
    record PortWrite(int port, int bytes, int value) implements KvmExit {}

    /** The guest reads a port; {@link KvmVcpu#answer} gives it the value. */
    record PortRead(int port, int bytes) implements KvmExit {}

    /** The guest has accessed an address at which it has no memory. */
    record NoMemory(long guestAddress, boolean write) implements KvmExit {}

    /** The guest waits for an interrupt. */
    record Halted() implements KvmExit {}

    /** Somebody wants the CPU out of the guest: a signal, or {@link KvmVcpu#exitSoon}. */
    record Interrupted() implements KvmExit {}

    /** The guest has shut down: a triple fault. */
    record Shutdown() implements KvmExit {}

    /** KVM cannot go on; for people, what is wrong. */
    record Failed(String what) implements KvmExit {}
}
