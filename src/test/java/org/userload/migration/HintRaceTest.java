package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
 * {@code -Duserload.hintRaceSeconds=300}, which is for all modes together.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS)
class HintRaceTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final double SECONDS = Double.parseDouble(System.getProperty("userload.hintRaceSeconds", "8"));
    private static final int LEAST_MIGRATIONS = 3;
    private static final int THREADS = 3;
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
                .withHintWait(Duration.ofMillis(random.nextInt(12)));
    }

    /** A stream that takes a while lets the guest do something in the meantime. */
    private static ServerConfig config(SplittableRandom random) throws Exception {
        return ServerConfig.at(Endpoint.parse("127.0.0.1:0"))
                .withMaxBytesPerSecond(random.nextInt(3) == 0 ? 0 : random.nextLong(40_000_000, 400_000_000));
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void everyPageInUse_arrivesAsItWasLeft_howeverItsGuestHints(MigrationMode mode) throws Exception {
        SplittableRandom random = Seeds.random("HintRaceTest " + mode);
        long end = System.nanoTime() + (long) (SECONDS / MigrationMode.values().length * 1e9);
        Sums sums = new Sums();
        while (sums.migrations < LEAST_MIGRATIONS || System.nanoTime() < end) {
            long seed = random.nextLong();
            long poison = random.nextInt(3) == 0 ? POISON : 0;
            HintingGuest.State state = new HintingGuest.State(TABLE, THREADS, poison);
            try (GuestMemory memory = GuestMemory.present(TABLE);
                    HintingGuest guest = new HintingGuest(memory, state, seed).filled();
                    MigrationSource source =
                            MigrationSource.listen(config(random), guest, memory, plan(mode, random, poison));
                    RawDestination destination = RawDestination.attach(source.endpoint())) {
                guest.resume();
                Threads.await("the guest uses memory", 20, () -> state.used() > 50);
                move(source, destination, mode);
                String wrong = state.firstWrong(
                        (page, offset) -> destination.wordOf(state.regionOf(page), state.pageInRegion(page), offset));
                assertThat(wrong)
                        .as("seed %d of migration %d", seed, sums.migrations)
                        .isNull();
                HintReport hints =
                        java.util.Objects.requireNonNull(source.report()).hints();
                assertThat(hints.problem()).isNull();
                assertThat(hints.reports()).isPositive();
                sums.add(hints, destination.freePages());
            }
        }
        System.out.println(mode + ": " + sums);
        assertThat(sums.taken).isPositive();
        assertThat(sums.freePages).isPositive();
    }

    /** Moves the guest and waits until every page is there. */
    private static void move(MigrationSource source, RawDestination destination, MigrationMode mode) throws Exception {
        int window = 128;
        destination.answerMarks(1 << 20);
        if (mode.hasRounds()) {
            destination.start(window);
        }
        destination.takeGuest(mode.hasRounds() ? 0 : window);
        source.migrate(PATIENCE);
        Threads.await("every page is there", 30, () -> destination.present() == TABLE.totalPages());
    }
}
