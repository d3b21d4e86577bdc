package org.userload.kvm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Kvm;
import org.userload.linux.KvmExit;
import org.userload.linux.KvmVcpu;
import org.userload.linux.KvmVm;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.migration.Guest;

/**
 * A virtual machine whose memory is a {@link GuestMemory}: a slot for each region, a thread for each virtual CPU. It can be paused,
 * moved and resumed. A page that is missing is fetched when a CPU touches it: KVM faults in the kernel, and the CPU's thread waits
 * there.
 *
 * <pre>
 *            resume                    a CPU cannot go on
 *   PAUSED ──────────> RUNNING ──────────────────────────> FAILED          close, from anywhere ──> CLOSED
 *     ^  <──────────────  │
 *     └──     pause
 * </pre>
 *
 * <p><b>Threads.</b> Any; one lock guards the state. <b>Ownership.</b> Does not own the memory: close the machine first.
 */
public final class VirtualMachine implements Guest, AutoCloseable {
    /** Most CPUs of a machine. */
    public static final int MOST_CPUS = 64;

    /** The guest's console: what it writes there, a byte at a time, is text. The first serial port of a PC. */
    private static final int CONSOLE_PORT = 0x3f8;

    private final Kvm kvm;
    private final KvmVm vm;
    private final GuestMemory memory;
    private final MachineListener listener;
    private final CpuFeatures features;
    private final int[] msrs;
    private final List<VcpuThread> cpus = new ArrayList<>();
    private State state = State.PAUSED;
    private volatile boolean stopping = true;

    /** What the machine is doing. */
    public enum State {
        PAUSED,
        RUNNING,
        /** A CPU cannot go on; {@link MachineListener#failed} was told why. */
        FAILED,
        CLOSED
    }

    private VirtualMachine(Kvm kvm, KvmVm vm, GuestMemory memory, MachineListener listener) {
        this.kvm = kvm;
        this.vm = vm;
        this.memory = memory;
        this.listener = listener;
        this.features = CpuFeatures.ofHost(kvm);
        this.msrs = kvm.msrs();
    }

    /**
     * A paused machine without CPUs: it gets them from {@link #boot} or {@link #restoreCpuState}. Does not touch the memory.
     *
     * @throws IllegalStateException when KVM cannot be used; the message says why and what to do
     */
    public static VirtualMachine on(GuestMemory memory, MachineListener listener) {
        Kvm kvm = KvmAccess.open();
        KvmVm vm = null;
        try {
            vm = kvm.createVm();
            for (int slot = 0; slot < memory.regionCount(); slot++) {
                MemoryRegion region = memory.region(slot);
                vm.memory(slot, region.guestAddress(), region.hostAddress(), region.sizeBytes(), false);
            }
            return new VirtualMachine(kvm, vm, memory, listener);
        } catch (RuntimeException e) {
            if (vm != null) {
                vm.close();
            }
            kvm.close();
            throw e;
        }
    }

    /**
     * Gives the machine CPUs that are about to run a program that was loaded before.
     *
     * @throws IllegalStateException when it has CPUs already
     * @throws IllegalArgumentException when the program wants none, or too many
     */
    public synchronized void boot(BootProgram program) {
        requireNew();
        if (program.cpus() < 1 || program.cpus() > MOST_CPUS) {
            throw new IllegalArgumentException("a machine has 1 to " + MOST_CPUS + " CPUs, not " + program.cpus());
        }
        for (int i = 0; i < program.cpus(); i++) {
            program.start(addCpu(i), i);
        }
        startThreads();
    }

    private void requireNew() {
        if (state != State.PAUSED || !cpus.isEmpty()) {
            throw new IllegalStateException(
                    "the machine has begun already: it is " + state + ", with " + cpus.size() + " CPUs");
        }
    }

    private KvmVcpu addCpu(int number) {
        KvmVcpu vcpu = vm.createVcpu(number);
        cpus.add(new VcpuThread(this, number, vcpu));
        vcpu.cpuid(features.cpuid());
        vcpu.exitSoon();
        return vcpu;
    }

    private void startThreads() {
        cpus.forEach(VcpuThread::start);
    }

    public synchronized State state() {
        return state;
    }

    public synchronized int cpuCount() {
        return cpus.size();
    }

    @Override
    public synchronized void resume() {
        if (state != State.PAUSED) {
            throw new IllegalStateException("the machine is " + state + " and cannot be resumed");
        }
        stopping = false;
        cpus.forEach(cpu -> cpu.vcpu().stay());
        state = State.RUNNING;
        notifyAll();
    }

    /** Returns when no CPU is in the guest: each leaves it at its next exit, after the page that it may be waiting for there. */
    @Override
    public synchronized void pause() {
        if (state == State.RUNNING) {
            state = State.PAUSED;
            stop();
        }
    }

    /** Guarded by this. */
    private void stop() {
        stopping = true;
        boolean interrupted = false;
        cpus.forEach(cpu -> cpu.vcpu().exitSoon());
        while (cpus.stream().anyMatch(VcpuThread::isInside)) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public synchronized byte[] saveCpuState() {
        if (state != State.PAUSED || cpus.isEmpty()) {
            throw new IllegalStateException(
                    "the machine is " + state + " with " + cpus.size() + " CPUs: there is no state to save");
        }
        List<VcpuState> states = new ArrayList<>();
        for (VcpuThread cpu : cpus) {
            states.add(VcpuState.of(cpu.vcpu(), msrs));
        }
        return new MachineState(features, states).toBytes();
    }

    /** @throws IllegalArgumentException when the state is not one, or of another kind of CPU; says what differs */
    @Override
    public synchronized void restoreCpuState(byte[] bytes) {
        requireNew();
        MachineState restored = MachineState.of(bytes);
        String difference = restored.features().differenceFrom(features);
        if (difference != null) {
            throw new IllegalArgumentException("the guest's CPU is not the one of this host: " + difference);
        }
        for (int i = 0; i < restored.cpus().size(); i++) {
            restored.cpus().get(i).restore(addCpu(i));
        }
        startThreads();
    }

    /** Whether a CPU's thread is to enter the guest; waits while the machine is paused. False at the end. */
    synchronized boolean mayEnter(VcpuThread cpu) {
        while (state == State.PAUSED) {
            try {
                wait();
            } catch (InterruptedException e) {
                // Nobody interrupts these threads; closing the machine ends them.
            }
        }
        boolean enter = state == State.RUNNING;
        cpu.inside(enter);
        return enter;
    }

    synchronized void left(VcpuThread cpu) {
        cpu.inside(false);
        notifyAll();
    }

    boolean isStopping() {
        return stopping;
    }

    /** A CPU cannot go on: the others stop, too. */
    void failed(VcpuThread cpu, String why) {
        synchronized (this) {
            if (state != State.RUNNING && state != State.PAUSED) {
                return;
            }
            state = State.FAILED;
            stop();
            notifyAll();
        }
        listener.failed(cpu.number(), why + "\n" + VcpuState.registers(cpu.vcpu()));
    }

    /** Does what the guest has left for; gives why it cannot go on, or null. On the CPU's thread. */
    @Nullable
    String serve(int cpu, KvmExit exit, KvmVcpu vcpu) {
        if (exit instanceof KvmExit.PortWrite write) {
            if (write.port() == CONSOLE_PORT) {
                listener.console(write.value());
            } else {
                listener.portWritten(cpu, write.port(), write.value());
            }
            return null;
        }
        if (exit instanceof KvmExit.PortRead) {
            vcpu.answer(-1); // as a bus without a device
            return null;
        }
        if (exit instanceof KvmExit.Shutdown) {
            return "CPU " + cpu + " has shut down: a triple fault";
        }
        if (exit instanceof KvmExit.NoMemory access) {
            return String.format(
                    "CPU %d %s guest address 0x%x, where there is no memory",
                    cpu, access.write() ? "wrote to" : "read from", access.guestAddress());
        }
        if (exit instanceof KvmExit.Failed failed) {
            return "CPU " + cpu + ": " + failed.what();
        }
        return "CPU " + cpu + " waits for an interrupt, and there is none";
    }

    /** The memory that it was made on. */
    public GuestMemory memory() {
        return memory;
    }

    /** Ends the guest and every thread. Idempotent. */
    @Override
    public void close() {
        synchronized (this) {
            if (state == State.CLOSED) {
                return;
            }
            state = State.CLOSED;
            stop();
            notifyAll();
        }
        boolean interrupted = false;
        for (VcpuThread cpu : cpus) {
            while (true) {
                try {
                    cpu.awaitEnd();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            cpu.vcpu().close();
        }
        vm.close();
        kvm.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
