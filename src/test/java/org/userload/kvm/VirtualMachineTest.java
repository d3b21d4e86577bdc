package org.userload.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Threads;

@Timeout(120)
class VirtualMachineTest {
    private static final BareGuest GUEST = new BareGuest(2, 2048, 1000, 20_000, false, 0);

    @Test
    void bareGuest_works_andFindsItsStampsRight() throws Exception {
        BareGuestWatch watch = new BareGuestWatch();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(GUEST.memoryBytes() >> 12))) {
            GUEST.load(memory, 1);
            try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                machine.boot(GUEST);
                machine.resume();
                Threads.await("checks", 60, () -> watch.checks() >= 4 || watch.failure() != null);
                machine.pause();
                assertThat(watch.failure()).isNull();
                assertThat(watch.console()).isEqualTo("bare guest: at work\n");
                long steps = GUEST.steps(memory, 0);
                assertThat(steps).isPositive();
            }
        }
    }

    @Test
    void savedState_goesOnInAnotherMachine_onTheSameMemory() throws Exception {
        BareGuestWatch watch = new BareGuestWatch();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(GUEST.memoryBytes() >> 12))) {
            GUEST.load(memory, 1);
            byte[] state;
            try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                machine.boot(GUEST);
                machine.resume();
                Threads.await("checks", 60, () -> watch.checks() >= 2 || watch.failure() != null);
                machine.pause();
                state = machine.saveCpuState();
            }
            for (int i = 0; i < 20; i++) {
                long before = watch.reports();
                try (VirtualMachine machine = VirtualMachine.on(memory, watch)) {
                    machine.restoreCpuState(state);
                    machine.resume();
                    Threads.await("progress", 60, () -> watch.reports() > before + 10 || watch.failure() != null);
                    machine.pause();
                    state = machine.saveCpuState();
                }
                assertThat(watch.failure()).isNull();
            }
        }
    }
}
