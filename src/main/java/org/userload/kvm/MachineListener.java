package org.userload.kvm;

/** Hears of what a machine's guest does. Called on the threads of its virtual CPUs, which wait meanwhile. */
public interface MachineListener {
    /** The guest has written to a port that the machine itself does not know. */
    default void portWritten(int cpu, int port, int value) {}

    /** The guest has written a byte to its console. */
    default void console(int value) {}

    /** A CPU cannot go on; the others are stopped; {@code why}: with its registers, for people. */
    default void failed(int cpu, String why) {}
}
