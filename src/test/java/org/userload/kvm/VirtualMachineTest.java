package org.userload.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Threads;

@Timeout(120)
class VirtualMachineTest {
    private static final BareGuest GUEST = new BareGuest(2, 2048, 1000, 20_000, false, 0);

    private static final class Watch implements MachineListener {
        final LongAdder progress = new LongAdder();
        final LongAdder checked = new LongAdder();
        final java.util.Queue<Integer> console = new java.util.concurrent.ConcurrentLinkedQueue<>();
        final AtomicReference<String> failure = new AtomicReference<>();

        @Override
        public void portWritten(int cpu, int port, int value) {
            if (value == BareGuestLayout.REPORT_PROGRESS) {
                progress.increment();
            } else if (value == BareGuestLayout.REPORT_CHECKED) {
                checked.increment();
            } else {
                failure.compareAndSet(null, "CPU " + cpu + " reports " + value);
            }
        }

        @Override
        public void console(int value) {
            console.add(value);
        }

        @Override
        public void failed(int cpu, String why) {
            failure.set(why);
        }
    }

    @Test
    void bareGuest_works_andFindsItsStampsRight() throws Exception {
        Watch watch = new Watch();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(GUEST.memoryBytes() >> 12))) {
            GUEST.load(memory, 1);
            try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                machine.boot(GUEST);
                machine.resume();
                Threads.await("checks", 60, () -> watch.checked.sum() >= 4 || watch.failure.get() != null);
                machine.pause();
                assertThat(watch.failure.get()).isNull();
                assertThat(watch.console).contains((int) 'w');
                long steps = GUEST.steps(memory, 0);
                assertThat(steps).isPositive();
            }
        }
    }

    @Test
    void savedState_goesOnInAnotherMachine_onTheSameMemory() throws Exception {
        Watch watch = new Watch();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(GUEST.memoryBytes() >> 12))) {
            GUEST.load(memory, 1);
            byte[] state;
            try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                machine.boot(GUEST);
                machine.resume();
                Threads.await("checks", 60, () -> watch.checked.sum() >= 2 || watch.failure.get() != null);
                machine.pause();
                state = machine.saveCpuState();
            }
            for (int i = 0; i < 20; i++) {
                long before = watch.progress.sum();
                try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                    machine.restoreCpuState(state);
                    machine.resume();
                    Threads.await(
                            "progress", 60, () -> watch.progress.sum() > before + 10 || watch.failure.get() != null);
                    machine.pause();
                    state = machine.saveCpuState();
                }
                assertThat(watch.failure.get()).isNull();
            }
        }
    }
}
