package org.userload.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.MigrationSource;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** A virtual machine moves from place to place while its CPUs work; they find every stamp of their pages right. */
@Timeout(600)
class MachineMigrationTest {
    private static final int HOPS = Integer.getInteger("userload.vmHops", 6);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final BareGuest GUEST = new BareGuest(2, 8192, 2000, 50_000, false, 0);

    /** A machine and what it stands on, closed in that order. */
    private record Place(
            VirtualMachine machine,
            GuestMemory memory,
            @Nullable MigrationDestination here) implements AutoCloseable {
        @Override
        public void close() {
            machine.close();
            if (here == null) {
                memory.close();
            } else {
                here.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void workingGuest_movesOnAndOn_andFindsEveryStampRight(MigrationMode mode) throws Exception {
        long seed = Seeds.of("MachineMigrationTest " + mode);
        BareGuestWatch watch = new BareGuestWatch();
        Place place = begin(watch, seed);
        try {
            for (int hop = 0; hop < HOPS; hop++) {
                await(watch, "reports", watch.reports() + 3);
                Place next = move(place, mode, watch);
                place.close();
                place = next;
                awaitChecks(watch, watch.checks() + 2);
            }
            place.machine.pause();
            assertThat(watch.failure()).isNull();
            assertThat(GUEST.checks(place.memory, 0)).isPositive();
        } finally {
            place.close();
        }
    }

    private static Place begin(BareGuestWatch watch, long seed) {
        GuestMemory memory = GuestMemory.present(RegionTable.single(GUEST.memoryBytes() >> 12));
        GUEST.load(memory, seed);
        VirtualMachine machine = VirtualMachine.on(memory, watch);
        machine.boot(GUEST);
        machine.resume();
        return new Place(machine, memory, null);
    }

    private static Place move(Place from, MigrationMode mode, BareGuestWatch watch) throws Exception {
        MigrationPlan plan = MigrationPlan.of(mode).withMaxRounds(3);
        try (MigrationSource source =
                MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), from.machine, from.memory, plan)) {
            MigrationDestination there = MigrationDestination.open(
                    DestinationConfig.from(source.endpoint()).withInterceptor(InterceptorChoice.USERFAULTFD),
                    memory -> VirtualMachine.on(memory, watch));
            source.migrate(PATIENCE);
            VirtualMachine machine =
                    (VirtualMachine) there.resumed().get(20, TimeUnit.SECONDS).guest();
            there.completion().get(60, TimeUnit.SECONDS);
            source.completion().get(60, TimeUnit.SECONDS);
            return new Place(machine, there.destination().memory(), there);
        }
    }

    private static void await(BareGuestWatch watch, String what, long reports) throws InterruptedException {
        Threads.await(what, 60, () -> watch.reports() >= reports || watch.failure() != null);
        assertThat(watch.failure()).isNull();
    }

    private static void awaitChecks(BareGuestWatch watch, long checks) throws InterruptedException {
        Threads.await("checks", 60, () -> watch.checks() >= checks || watch.failure() != null);
        assertThat(watch.failure()).isNull();
    }
}
