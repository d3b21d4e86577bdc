package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/**
 * Many short migrations of a guest that writes words and clears pages, by random plans; and chains of them. Memory and
 * checksum are those of the same steps on plain arrays.
 */
@Timeout(120)
class RandomMigrationsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int MIGRATIONS = 60;

    /** What one migration is like. */
    private record Case(
            MigrationPlan plan, InterceptorChoice interceptor, boolean removals, int window, int cancelAfterMillis) {

        static Case of(SplittableRandom random) {
            MigrationMode mode = pick(random, MigrationMode.values());
            int rounds = random.nextInt(1, 6);
            MigrationPlan plan = MigrationPlan.of(mode)
                    .withDowntimeLimit(Duration.ofNanos(1L << random.nextInt(10, 28)))
                    .withMaxRounds(rounds)
                    .withHybridRounds(random.nextInt(0, rounds + 1))
                    .withThrottle(new ThrottleSteps(40, 30, 90))
                    .withOnNonConvergence(pick(
                            random, OnNonConvergence.CONTINUE, OnNonConvergence.THROTTLE, OnNonConvergence.POSTCOPY))
                    .withTracker(pick(random, TrackerChoice.UFFD_WP, TrackerChoice.ACCESS_LAYER));
            InterceptorChoice interceptor = pick(random, InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE);
            boolean removals = interceptor == InterceptorChoice.USERFAULTFD && random.nextBoolean();
            int cancel = random.nextInt(5) == 0 ? random.nextInt(12) : -1;
            return new Case(plan, interceptor, removals, 1 << random.nextInt(0, 9), cancel);
        }

        @SafeVarargs
        private static <T> T pick(SplittableRandom random, T... choices) {
            return choices[random.nextInt(choices.length)];
        }

        DestinationConfig destination(Endpoint source) {
            return DestinationConfig.from(source)
                    .withInterceptor(interceptor)
                    .withTrackRemovals(removals)
                    .withWindowPages(window);
        }
    }

    private static RegionTable randomTable(SplittableRandom random) {
        List<RegionTable.Entry> entries = new ArrayList<>();
        int regions = random.nextInt(1, 5);
        long address = 0;
        for (int i = 0; i < regions; i++) {
            long pages = random.nextInt(3) == 0 ? 1 : random.nextInt(2, 600);
            entries.add(new RegionTable.Entry(address, pages));
            address += (pages << 12) + ((long) random.nextInt(0, 3) << 30);
        }
        return new RegionTable(PageSize.DEFAULT, entries);
    }

    @Test
    void guestMovesWhole_orStaysWhole_whateverThePlan() throws Exception {
        SplittableRandom random = Seeds.random("RandomMigrationsTest");
        int moved = 0;
        for (int i = 0; i < MIGRATIONS; i++) {
            RegionTable table = randomTable(random);
            long workingSet = random.nextLong(1, table.totalPages() + 1);
            long pauseNanos = random.nextInt(3) * 10_000L;
            Case one = Case.of(random);
            String what = "migration " + i + " of " + table.totalPages() + " pages, " + workingSet + " used: " + one;
            try {
                moved += migrate(table, random.nextLong(), workingSet, pauseNanos, one) ? 1 : 0;
            } catch (Exception | AssertionError e) {
                throw new AssertionError(what + ": " + e, e);
            }
        }
        assertThat(moved).as("most are not called off").isGreaterThan(MIGRATIONS / 3);
    }

    /** Whether it moved; it does not when it is called off in time. */
    private static boolean migrate(RegionTable table, long seed, long workingSet, long pauseNanos, Case one)
            throws Exception {
        AtomicInteger running = new AtomicInteger();
        try (GuestMemory memory = GuestMemory.present(table);
                StampingGuest here = new StampingGuest(memory, running, seed, workingSet, pauseNanos)) {
            Patterns.fill(memory, seed);
            here.resume();
            try (MigrationSource source =
                            MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), here, memory, one.plan());
                    MigrationDestination destination = MigrationDestination.open(
                            one.destination(source.endpoint()),
                            there -> new StampingGuest(there, running, seed, workingSet, pauseNanos))) {
                boolean cancelled =
                        startCancelling(source, one.cancelAfterMillis()).getAndMigrate(source);
                StampingGuest guest = here;
                GuestMemory at = memory;
                if (!cancelled) {
                    guest = (StampingGuest)
                            destination.resumed().get(20, TimeUnit.SECONDS).guest();
                    at = destination.destination().memory();
                    destination.completion().get(30, TimeUnit.SECONDS);
                    source.completion().get(30, TimeUnit.SECONDS);
                }
                assertRunsRight(guest, at, seed);
                return !cancelled;
            }
        }
    }

    private static void assertRunsRight(StampingGuest guest, GuestMemory memory, long seed) throws Exception {
        long steps = guest.steps();
        Threads.await("the guest runs", 20, () -> guest.steps() > steps);
        guest.pause();
        assertThat(guest.isRight(memory, seed)).isTrue();
    }

    /** Calls a migration off while it goes on, or not at all. */
    private record Cancelling(CompletableFuture<Boolean> cancelled) {
        /** Whether it was called off. */
        boolean getAndMigrate(MigrationSource source) throws Exception {
            try {
                source.migrate(PATIENCE);
            } catch (HandoverException e) {
                assertThat(e).hasMessageContaining("cancelled");
                assertThat(e.guestIsHere()).isTrue();
                assertThat(cancelled.get(10, TimeUnit.SECONDS)).isTrue();
                return true;
            }
            assertThat(cancelled.get(10, TimeUnit.SECONDS)).isFalse();
            return false;
        }
    }

    private static Cancelling startCancelling(MigrationSource source, int afterMillis) {
        if (afterMillis < 0) {
            return new Cancelling(CompletableFuture.completedFuture(false));
        }
        return new Cancelling(CompletableFuture.supplyAsync(
                source::cancel, CompletableFuture.delayedExecutor(afterMillis, TimeUnit.MILLISECONDS)));
    }

    @Test
    void guestMovesOn_fromWhereItHasMovedTo_inEveryMode() throws Exception {
        long seed = Seeds.of("RandomMigrationsTest chain");
        RegionTable table = new RegionTable(
                PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 300), new RegionTable.Entry(1L << 32, 200)));
        for (InterceptorChoice interceptor : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            AtomicInteger running = new AtomicInteger();
            try (GuestMemory memory = GuestMemory.present(table);
                    StampingGuest first = new StampingGuest(memory, running, seed, 400, 10_000)) {
                Patterns.fill(memory, seed);
                first.resume();
                moveOn(first, memory, seed, running, interceptor, List.of(MigrationMode.values()));
            }
        }
    }

    private static void moveOn(
            StampingGuest guest,
            GuestMemory memory,
            long seed,
            AtomicInteger running,
            InterceptorChoice interceptor,
            List<MigrationMode> modes)
            throws Exception {
        if (modes.isEmpty()) {
            assertRunsRight(guest, memory, seed);
            return;
        }
        try (MigrationSource source = MigrationSource.listen(
                        Endpoint.parse("127.0.0.1:0"), guest, memory, MigrationPlan.of(modes.get(0)));
                MigrationDestination destination = MigrationDestination.open(
                        DestinationConfig.from(source.endpoint()).withInterceptor(interceptor),
                        there -> new StampingGuest(there, running, seed, 400, 10_000))) {
            source.migrate(PATIENCE);
            try (StampingGuest moved = (StampingGuest)
                    destination.resumed().get(20, TimeUnit.SECONDS).guest()) {
                destination.completion().get(30, TimeUnit.SECONDS);
                GuestMemory there = destination.destination().memory();
                moveOn(moved, there, seed, running, interceptor, modes.subList(1, modes.size()));
            }
        }
    }
}
