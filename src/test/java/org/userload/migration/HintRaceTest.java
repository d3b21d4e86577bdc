package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.source.ServerConfig;
import org.userload.support.HintingGuest;
import org.userload.support.RawDestination;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/**
 * The race to get wrong: pages that are used again while they are being hinted. A {@link HintingGuest} is moved over and over,
 * and every word of its memory is looked at each time. For longer than a moment:
 * {@code -Duserload.hintRaceSeconds=300}, which is for all tests together.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS)
class HintRaceTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final double SECONDS = Double.parseDouble(System.getProperty("userload.hintRaceSeconds", "8"));
    private static final int LEAST_MIGRATIONS = 3;
    private static final int THREADS = 3;
    private static final int TESTS = 2 * MigrationMode.values().length;
    private static final long POISON = 0xAA55_0123_4567_89ABL;

    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 350), new RegionTable.Entry(1L << 40, 250)));

    /** What all migrations of a mode came to. */
    private static final class Sums {
        long migrations;
        long taken;
        long stale;
        long late;
        long freePages;

        void add(HintReport report, long free) {
            migrations++;
            taken += report.taken();
            stale += report.stale();
            late += report.late();
            freePages += free;
        }

        /** Whether they are enough to say anything. */
        boolean say() {
            return migrations >= LEAST_MIGRATIONS && taken > 0 && stale > 0 && freePages > 0;
        }

        @Override
        public String toString() {
            return migrations + " migrations, hints: " + taken + " taken, " + stale + " stale; " + late
                    + " late reports, " + freePages + " pages sent as free";
        }
    }

    private static MigrationPlan plan(MigrationMode mode, SplittableRandom random, long poison) {
        int rounds = random.nextInt(1, 6);
        return MigrationPlan.of(mode)
                .withDowntimeLimit(Duration.ofNanos(1000))
                .withMaxRounds(rounds)
                .withHybridRounds(random.nextInt(1, rounds + 1))
                .withTracker(random.nextBoolean() ? TrackerChoice.UFFD_WP : TrackerChoice.ACCESS_LAYER)
                .withHints(true)
                .withPoison(poison)
                .withHintWait(Duration.ofMillis(random.nextInt(25)));
    }

    /** A stream that takes a while lets the guest do something in the meantime. */
    private static ServerConfig config(SplittableRandom random) throws Exception {
        return ServerConfig.at(Endpoint.parse("127.0.0.1:0"))
                .withMaxBytesPerSecond(random.nextInt(3) == 0 ? 0 : random.nextLong(40_000_000, 400_000_000));
    }

    /** One in a hurry writes to every page again soon, and so repairs what a lost write has broken; a slow one does not. */
    private static int pauseNanos(SplittableRandom random) {
        return random.nextInt(3) == 0 ? 0 : 1 << random.nextInt(12, 23);
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void everyPageInUse_arrivesAsItWasLeft_howeverItsGuestHints(MigrationMode mode) throws Exception {
        overAndOver("to bytes", mode, HintRaceTest::moveToBytes);
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guest_findsEveryPageAsItLeftIt_whereItHasMovedTo(MigrationMode mode) throws Exception {
        overAndOver("to a destination", mode, HintRaceTest::moveToDestination);
    }

    /** Moves a guest that runs and gives the pages that came as free. Says what is wrong if anything is. */
    private interface Move {
        long of(Case moved, MigrationSource source, MigrationMode mode) throws Exception;
    }

    /** One guest and what decides about it. */
    private record Case(HintingGuest.State state, long seed, int pauseNanos, SplittableRandom random) {
        HintingGuest guest(GuestMemory memory) {
            return new HintingGuest(memory, state, seed, pauseNanos);
        }

        void assertRight(HintingGuest.State.Words words) {
            assertThat(state.firstWrong(words)).as("guest of seed %d", seed).isNull();
        }
    }

    private static void overAndOver(String how, MigrationMode mode, Move move) throws Exception {
        SplittableRandom random = Seeds.random("HintRaceTest " + mode + " " + how);
        long end = System.nanoTime() + (long) (SECONDS / TESTS * 1e9);
        Sums sums = new Sums();
        while (System.nanoTime() < end || (!sums.say() && System.nanoTime() < end + 60e9)) {
            long poison = random.nextInt(3) == 0 ? POISON : 0;
            Case next = new Case(
                    new HintingGuest.State(TABLE, THREADS, poison), random.nextLong(), pauseNanos(random), random);
            try (GuestMemory memory = GuestMemory.present(TABLE);
                    HintingGuest guest = next.guest(memory).filled();
                    MigrationSource source =
                            MigrationSource.listen(config(random), guest, memory, plan(mode, random, poison))) {
                guest.resume();
                Threads.await("the guest uses memory", 20, () -> next.state.used() > 20);
                long free = move.of(next, source, mode);
                HintReport hints = Objects.requireNonNull(source.report()).hints();
                assertThat(hints.problem()).isNull();
                assertThat(hints.reports()).isPositive();
                sums.add(hints, free);
            }
        }
        System.out.println(mode + " " + how + ": " + sums);
        assertThat(sums.say()).as("hints were taken and refused: %s", sums).isTrue();
    }

    /** To a destination that only keeps what comes: memory is looked at as it was when the guest stopped. */
    private static long moveToBytes(Case moved, MigrationSource source, MigrationMode mode) throws Exception {
        int window = 128;
        try (RawDestination destination = RawDestination.attach(source.endpoint())) {
            destination.answerMarks(1 << 20);
            if (mode.hasRounds()) {
                destination.start(window);
            }
            destination.takeGuest(mode.hasRounds() ? 0 : window);
            source.migrate(PATIENCE);
            Threads.await("every page is there", 30, () -> destination.present() == TABLE.totalPages());
            moved.assertRight((page, offset) ->
                    destination.wordOf(moved.state.regionOf(page), moved.state.pageInRegion(page), offset));
            return destination.freePages();
        }
    }

    /** To a real one, where the guest goes on while its memory comes, and looks at each page that it gives back. */
    private static long moveToDestination(Case moved, MigrationSource source, MigrationMode mode) throws Exception {
        InterceptorChoice interceptor =
                moved.random.nextBoolean() ? InterceptorChoice.USERFAULTFD : InterceptorChoice.SOFTWARE;
        try (MigrationDestination destination = MigrationDestination.open(
                DestinationConfig.from(source.endpoint()).withInterceptor(interceptor), moved::guest)) {
            source.migrate(PATIENCE);
            try (HintingGuest there = (HintingGuest)
                    destination.resumed().get(20, TimeUnit.SECONDS).guest()) {
                destination.completion().get(30, TimeUnit.SECONDS);
                source.completion().get(30, TimeUnit.SECONDS);
                there.pause();
                GuestMemory memory = destination.destination().memory();
                moved.assertRight((page, offset) -> memory.getLong(moved.state.addressOf(page) + offset));
            }
            return source.freePagesSent();
        }
    }
}
