package org.userload.kvm;

import org.jspecify.annotations.Nullable;
import org.userload.linux.KvmExit;
import org.userload.linux.KvmVcpu;

/**
 * The thread of a virtual CPU: lets the guest run while the machine does, serves its exits, and waits without using a CPU
 * otherwise.
 */
final class VcpuThread {
    private final VirtualMachine machine;
    private final int number;
    private final KvmVcpu vcpu;
    private final Thread thread;

    /** Whether the thread is in the guest, or on its way there. Guarded by the machine. */
    private boolean inside;

    VcpuThread(VirtualMachine machine, int number, KvmVcpu vcpu) {
        this.machine = machine;
        this.number = number;
        this.vcpu = vcpu;
        this.thread = new Thread(this::run, "userload-vcpu-" + number);
        thread.setDaemon(true);
    }

    KvmVcpu vcpu() {
        return vcpu;
    }

    int number() {
        return number;
    }

    void start() {
        thread.start();
    }

    void awaitEnd() throws InterruptedException {
        thread.join();
    }

    boolean isInside() {
        return inside;
    }

    private void run() {
        while (machine.mayEnter(this)) {
            String problem = runGuest();
            machine.left(this);
            if (problem != null) {
                machine.failed(this, problem);
            }
        }
    }

    void inside(boolean now) {
        inside = now;
    }

    /** Until the machine is to stop, or the guest cannot go on: then why. */
    private @Nullable String runGuest() {
        while (true) {
            KvmExit exit;
            try {
                exit = vcpu.run();
            } catch (RuntimeException e) {
                return String.valueOf(e.getMessage());
            }
            // What a port access needs is finished by the next entry; so only an interruption is a place to stop at.
            if (exit instanceof KvmExit.Interrupted) {
                if (machine.isStopping()) {
                    return null;
                }
            } else {
                String problem = machine.serve(number, exit, vcpu);
                if (problem != null) {
                    return problem;
                }
            }
        }
    }
}
