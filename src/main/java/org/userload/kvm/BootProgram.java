package org.userload.kvm;

import org.userload.linux.KvmVcpu;

/** What a machine's CPUs begin with; it is in memory already. A bare guest is one, a loader of a kernel would be another. */
public interface BootProgram {
    /** How many CPUs it needs, 1 to {@value VirtualMachine#MOST_CPUS}. */
    int cpus();

    /**
     * Brings a new CPU to its first instruction.
     *
     * @param number of the CPU, from 0
     */
    void start(KvmVcpu vcpu, int number);
}
