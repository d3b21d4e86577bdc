package org.userload.migration.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.OnNonConvergence;
import org.userload.migration.simulation.SimulatedGuest.Idle;
import org.userload.migration.simulation.SimulatedGuest.Pattern;
import org.userload.migration.simulation.SimulatedGuest.Place;
import org.userload.support.Seeds;
import org.userload.transport.Link;

/** What must hold for every migration, of the model. */
@Timeout(60)
class SimulationTest {
    private static final long PAGES = 65_536;
    private static final long PAGE_BYTES = 4096;
    private static final Link LINK = Link.parse("1gbit/1ms");
    private static final int RANDOM_GUESTS = 200;

    private static SimulatedGuest guest(long workingSetPages, double writesPerSecond) {
        return new SimulatedGuest(
                PAGES, Idle.NONE, workingSetPages, Place.SPREAD, Pattern.RANDOM, writesPerSecond, writesPerSecond);
    }

    private static SimulatedMigration simulate(SimulatedGuest guest, Link link, MigrationPlan plan) {
        return Simulation.run(guest, link, MachineCosts.NONE, plan, 1);
    }

    @Test
    void stopAndCopy_isDownForMemoryByBandwidth_andTheHandover() {
        MachineCosts costs = MachineCosts.NONE.withHandoverNanos(5e6);
        SimulatedMigration moved =
                Simulation.run(guest(1000, 1e6), LINK, costs, MigrationPlan.of(MigrationMode.STOPCOPY), 1);
        // A 1448 byte segment carries 66 bytes of headers; frames add little.
        double seconds = PAGES * PAGE_BYTES * (1 + 66.0 / 1448) / LINK.bytesPerSecond();
        double handover = 5_000 + 1.5 * LINK.roundTrip().toNanos() / 1e3;
        assertThat((double) moved.downtimeMicros())
                .isCloseTo(seconds * 1e6 + handover, Percentage.withPercentage(1))
                .isGreaterThan(seconds * 1e6 + handover);
        assertThat(moved.contentPages()).isEqualTo(PAGES);
        assertThat(moved.migrationMicros()).isEqualTo(moved.downtimeMicros());
    }

    @Test
    void preCopyOfAnIdleGuest_sendsEachPageOnce() {
        SimulatedMigration moved = simulate(guest(1000, 0), LINK, MigrationPlan.of(MigrationMode.PRECOPY));
        assertThat(moved.contentPages()).isEqualTo(PAGES);
        assertThat(moved.converged()).isTrue();
        assertThat(moved.rounds()).hasSize(2);
        assertThat(moved.rounds().get(0).dirtyPages()).isZero();
        assertThat(moved.downtimeMicros()).isLessThan(3 * LINK.roundTrip().toNanos() / 1000);
    }

    @Test
    void guestThatDirtiesFasterThanTheLink_neverConverges() {
        SimulatedGuest fast = guest(PAGES, 1e7);
        MigrationPlan plan = MigrationPlan.of(MigrationMode.PRECOPY).withMaxRounds(7);
        SimulatedMigration forced = simulate(fast, LINK, plan);
        assertThat(forced.converged()).isFalse();
        assertThat(forced.rounds()).hasSize(8);
        SimulatedMigration failed = simulate(fast, LINK, plan.withOnNonConvergence(OnNonConvergence.FAIL));
        assertThat(failed.gaveUp()).contains("after 2 rounds");
        assertThat(failed.downtimeMicros()).isZero();
        SimulatedMigration switched = simulate(fast, LINK, plan.withOnNonConvergence(OnNonConvergence.POSTCOPY));
        assertThat(switched.converged()).isFalse();
        assertThat(switched.discardedPages()).isPositive();
        assertThat(switched.downtimeMicros()).isLessThan(forced.downtimeMicros());
    }

    @Test
    void throttling_slowsTheGuestUntilItConverges() {
        SimulatedGuest fast = guest(PAGES / 2, 60_000);
        MigrationPlan plan = MigrationPlan.of(MigrationMode.PRECOPY).withMaxRounds(100);
        assertThat(simulate(fast, LINK, plan).converged()).isFalse();
        SimulatedMigration throttled = simulate(fast, LINK, plan.withOnNonConvergence(OnNonConvergence.THROTTLE));
        assertThat(throttled.converged()).isTrue();
        assertThat(throttled.throttlePercent()).isBetween(20, 99);
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void slowerLink_neverTakesLess(MigrationMode mode) {
        SplittableRandom random = Seeds.random("slower links");
        for (int i = 0; i < RANDOM_GUESTS; i++) {
            SimulatedGuest guest = randomGuest(random);
            long rate = Link.MIN_BYTES_PER_SECOND + (long) (1.25e9 * Math.pow(random.nextDouble(), 3));
            Duration roundTrip = Duration.ofNanos(random.nextLong(2_000_000));
            Link fast = new Link(2 * rate, roundTrip);
            Link slow = new Link(rate, roundTrip);
            MigrationPlan plan = MigrationPlan.of(mode);
            SimulatedMigration onSlow = simulate(guest, slow, plan);
            SimulatedMigration onFast = simulate(guest, fast, plan);
            assertThat(onSlow.migrationMicros())
                    .as("%s over %s and %s", guest, slow, fast)
                    .isGreaterThanOrEqualTo(onFast.migrationMicros());
        }
    }

    @Test
    void noPageIsSentMoreOftenThanItsModeAllows() {
        SplittableRandom random = Seeds.random("pages sent");
        for (int i = 0; i < RANDOM_GUESTS; i++) {
            SimulatedGuest guest = randomGuest(random);
            assertThat(simulate(guest, LINK, MigrationPlan.of(MigrationMode.POSTCOPY))
                            .contentPages())
                    .as("post-copy of %s", guest)
                    .isEqualTo(guest.contentPages(false));
            SimulatedMigration hybrid = simulate(guest, LINK, MigrationPlan.of(MigrationMode.HYBRID));
            assertThat(hybrid.contentPages())
                    .as("hybrid of %s", guest)
                    .isEqualTo(guest.contentPages(false) + hybrid.discardedPages())
                    .isLessThanOrEqualTo(guest.contentPages(false) + guest.workingSetPages());
        }
    }

    @Test
    void faults_areAtMostOneForEachPage() {
        SplittableRandom random = Seeds.random("faults");
        for (int i = 0; i < RANDOM_GUESTS; i++) {
            SimulatedGuest guest = randomGuest(random);
            SimulatedMigration moved = simulate(guest, LINK, MigrationPlan.of(MigrationMode.POSTCOPY));
            assertThat(moved.faults()).as("%s", guest).isBetween(0L, guest.workingSetPages());
            assertThat(moved.blockedMicros())
                    .as("one thread waits no longer than it takes, but for its last page: %s", guest)
                    .isLessThanOrEqualTo(moved.migrationMicros() + 10_000);
        }
    }

    @Test
    void zeroPages_costNoPayload() {
        SimulatedGuest half =
                new SimulatedGuest(PAGES, Idle.ofZero(PAGES / 2), 1000, Place.SPREAD, Pattern.RANDOM, 1000, 1000);
        for (MigrationMode mode : MigrationMode.values()) {
            SimulatedMigration moved = simulate(half, LINK, MigrationPlan.of(mode));
            assertThat(moved.wireBytes())
                    .as("%s", mode)
                    .isLessThan(PAGES * PAGE_BYTES * 6 / 10)
                    .isGreaterThan(PAGES * PAGE_BYTES / 2);
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void hints_saveTheBytesOfFreePages_andNoOthers(MigrationMode mode) {
        SplittableRandom random = Seeds.random("hints of " + mode);
        for (int i = 0; i < RANDOM_GUESTS; i++) {
            SimulatedGuest guest = randomGuest(random);
            SimulatedGuest still = new SimulatedGuest(
                    guest.pages(), guest.idle(), guest.workingSetPages(), guest.place(), guest.pattern(), 0, 0);
            MigrationPlan plan = MigrationPlan.of(mode);
            SimulatedMigration without = simulate(still, LINK, plan);
            SimulatedMigration with = simulate(still, LINK, plan.withHints(true));
            assertThat(without.contentPages() - with.contentPages())
                    .as("%s", still)
                    .isEqualTo(still.idle().freePages());
            assertThat(with.wireBytes()).as("%s", still).isLessThanOrEqualTo(without.wireBytes() + 100);
            assertThat(with.migrationMicros()).as("%s", still).isLessThanOrEqualTo(without.migrationMicros() + 1);
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void askingAndPoisoning_takeTheirTime(MigrationMode mode) {
        SimulatedGuest half =
                new SimulatedGuest(PAGES, new Idle(0, PAGES / 2, 0), 1000, Place.SPREAD, Pattern.RANDOM, 0, 0);
        MigrationPlan plan = MigrationPlan.of(mode).withHints(true);
        MachineCosts free = MachineCosts.NONE;
        long atNoCost = Simulation.run(half, LINK, free, plan, 1).migrationMicros();
        MachineCosts asking = new MachineCosts(1e15, 0, 0, 0, 0, 0, 0, 0, 1000, 0);
        assertThat(Simulation.run(half, LINK, asking, plan, 1).migrationMicros() - atNoCost)
                .isBetween(PAGES / 2 - 2, PAGES / 2 + 2);
        MachineCosts poisoning = new MachineCosts(1e15, 0, 0, 0, 0, 0, 0, 0, 0, 1000);
        assertThat(Simulation.run(half, LINK, poisoning, plan.withPoison(1), 1).migrationMicros() - atNoCost)
                .isBetween(PAGES / 2 - 1000, PAGES / 2 + 2);
    }

    @Test
    void balloonedPages_areNotSent_hintsOrNot() {
        SimulatedGuest half =
                new SimulatedGuest(PAGES, new Idle(0, 0, PAGES / 2), 1000, Place.SPREAD, Pattern.RANDOM, 0, 0);
        for (MigrationMode mode : MigrationMode.values()) {
            MigrationPlan plan = MigrationPlan.of(mode);
            assertThat(simulate(half, LINK, plan).contentPages()).isEqualTo(PAGES / 2);
            assertThat(simulate(half, LINK, plan.withHints(true)).contentPages())
                    .isEqualTo(PAGES / 2);
        }
    }

    @Test
    void sameSeed_givesTheSameMigration() {
        SimulatedGuest busy = guest(PAGES / 4, 20_000);
        MigrationPlan plan = MigrationPlan.of(MigrationMode.POSTCOPY);
        assertThat(Simulation.run(busy, LINK, MachineCosts.ASSUMED, plan, 7))
                .isEqualTo(Simulation.run(busy, LINK, MachineCosts.ASSUMED, plan, 7));
    }

    @Test
    void distinctPages_areThoseOfARandomGuest() {
        SplittableRandom random = Seeds.random("distinct pages");
        int workingSet = 5_000;
        for (double writesPerPage : new double[] {0.01, 0.3, 1, 2, 5}) {
            int writes = (int) (writesPerPage * workingSet);
            double sum = 0;
            int times = 50;
            for (int i = 0; i < times; i++) {
                BitSet dirty = new BitSet();
                for (int write = 0; write < writes; write++) {
                    dirty.set(random.nextInt(workingSet));
                }
                sum += dirty.cardinality();
            }
            // The deviation of one run is below sqrt(w) / 2; six of those of the mean, and half a page for exp.
            double tolerance = 6 * Math.sqrt(workingSet) / 2 / Math.sqrt(times) + 0.5;
            assertThat(guest(workingSet, writes).dirtiedIn(1e9))
                    .as("%d writes to %d pages", writes, workingSet)
                    .isCloseTo(sum / times, within(tolerance));
        }
    }

    @Test
    void sequentialGuest_dirtiesEachPageOnce_untilItComesAround() {
        SimulatedGuest guest = new SimulatedGuest(PAGES, Idle.NONE, 1000, Place.FIRST, Pattern.SEQUENTIAL, 500, 500);
        assertThat(guest.dirtiedIn(1e9)).isEqualTo(500);
        assertThat(guest.dirtiedIn(10e9)).isEqualTo(1000);
    }

    @Test
    void impossibleGuests_areRefused() {
        assertThatThrownBy(() -> guest(PAGES + 1, 1)).hasMessageContaining("working set");
        assertThatThrownBy(() -> guest(0, 1)).hasMessageContaining("working set");
        assertThatThrownBy(() -> guest(1, -1)).hasMessageContaining("dirty rate");
        assertThatThrownBy(() -> guest(1, Double.NaN)).hasMessageContaining("dirty rate");
        assertThatThrownBy(() -> new SimulatedGuest(10, Idle.ofZero(6), 5, Place.FIRST, Pattern.RANDOM, 0, 0))
                .hasMessageContaining("do not fit");
        assertThatThrownBy(() -> new SimulatedGuest(10, Idle.NONE, 5, Place.FIRST, Pattern.RANDOM, 5, 4))
                .hasMessageContaining("touch rate");
    }

    private static <T> T anyOf(T[] choices, SplittableRandom random) {
        return choices[random.nextInt(choices.length)];
    }

    private static Idle randomIdle(SplittableRandom random, long coldPages) {
        long zero = random.nextLong(coldPages + 1);
        long free = random.nextLong(coldPages - zero + 1);
        return new Idle(zero, free, random.nextLong(coldPages - zero - free + 1));
    }

    private static SimulatedGuest randomGuest(SplittableRandom random) {
        long pages = 1 + random.nextLong(100_000);
        long workingSet = 1 + random.nextLong(pages);
        Idle idle = randomIdle(random, pages - workingSet);
        double writes = random.nextInt(4) == 0 ? 0 : Math.pow(10, random.nextDouble() * 7);
        Place place = anyOf(Place.values(), random);
        Pattern pattern = anyOf(Pattern.values(), random);
        return new SimulatedGuest(pages, idle, workingSet, place, pattern, writes, writes);
    }
}
