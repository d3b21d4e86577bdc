package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.dirty.TrackerChoice;
import org.userload.hint.Balloon;
import org.userload.hint.RangeBatch;
import org.userload.hint.ReleasedMemory;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.source.ServerConfig;
import org.userload.support.BallooningGuest;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** Guests that lend pages and whose memory comes and goes, before, while and after they move. */
@Timeout(180)
class BalloonMigrationTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int MIGRATIONS = 12;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(0, BallooningGuest.BOOT_PAGES),
                    new RegionTable.Entry(
                            BallooningGuest.FIRST_HOT_PAGE << 12,
                            (long) BallooningGuest.CHUNKS * BallooningGuest.CHUNK_PAGES)));

    private static Balloon balloon(GuestMemory memory) {
        ReleasedMemory released = new ReleasedMemory(1L << 30);
        released.addMemory(0, BallooningGuest.BOOT_PAGES);
        return new Balloon(memory, released);
    }

    private static BalloonedGuest arriving(GuestMemory there, long seed, int pauseMicros) {
        BallooningGuest guest = new BallooningGuest(there, seed, pauseMicros);
        return BalloonedGuest.arriving(guest, there, guest::use);
    }

    private static MigrationPlan plan(SplittableRandom random, MigrationMode mode) {
        int rounds = random.nextInt(1, 5);
        return MigrationPlan.of(mode)
                .withDowntimeLimit(Duration.ofNanos(1L << random.nextInt(10, 28)))
                .withMaxRounds(rounds)
                .withHybridRounds(random.nextInt(0, rounds + 1))
                .withTracker(random.nextBoolean() ? TrackerChoice.UFFD_WP : TrackerChoice.ACCESS_LAYER);
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestWhoseBalloonNeverRests_movesWhole(MigrationMode mode) throws Exception {
        SplittableRandom random = Seeds.random("BalloonMigrationTest " + mode);
        long changedBefore = 0;
        long changedWhilePaging = 0;
        for (int i = 0; i < MIGRATIONS; i++) {
            long seed = random.nextLong();
            int pauseMicros = random.nextInt(2) * 20;
            InterceptorChoice interceptor =
                    random.nextBoolean() ? InterceptorChoice.USERFAULTFD : InterceptorChoice.SOFTWARE;
            MigrationPlan plan = plan(random, mode);
            try (GuestMemory memory = GuestMemory.present(TABLE);
                    BallooningGuest here = new BallooningGuest(memory, seed, pauseMicros)) {
                Balloon balloon = balloon(memory);
                here.use(balloon);
                here.resume();
                int early = random.nextInt(2000);
                Threads.await("the balloon changes", 20, () -> here.balloonChanges() > early);
                // A few MB a second: the guest has time to change its balloon while it moves.
                ServerConfig config =
                        ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withMaxBytesPerSecond(20 << 20);
                try (MigrationSource source = MigrationSource.listen(
                                config, BalloonedGuest.here(here, memory, balloon), memory, plan);
                        MigrationDestination destination = MigrationDestination.open(
                                DestinationConfig.from(source.endpoint())
                                        .withInterceptor(interceptor)
                                        .withWindowPages(1 << random.nextInt(0, 7)),
                                there -> arriving(there, seed, pauseMicros))) {
                    long before = here.balloonChanges();
                    source.migrate(PATIENCE);
                    changedBefore += here.balloonChanges() - before;
                    BalloonedGuest moved = (BalloonedGuest)
                            destination.resumed().get(20, TimeUnit.SECONDS).guest();
                    try (BallooningGuest guest = (BallooningGuest) moved.guest()) {
                        destination.completion().get(30, TimeUnit.SECONDS);
                        long changes = guest.balloonChanges();
                        changedWhilePaging += changes;
                        source.completion().get(30, TimeUnit.SECONDS);
                        Threads.await("it goes on", 20, () -> guest.balloonChanges() > changes + 100);
                        guest.pause();
                        guest.assertRight();
                    }
                } catch (Exception | AssertionError e) {
                    throw new AssertionError("migration " + i + ", seed " + seed + ", " + interceptor + ", " + plan, e);
                }
            }
        }
        System.out.printf(
                "%s: %d changes while it moved, %d while it was paged in%n", mode, changedBefore, changedWhilePaging);
        if (mode.tracksWrites()) {
            assertThat(changedBefore).isPositive();
        }
        if (mode == MigrationMode.POSTCOPY) {
            assertThat(changedWhilePaging).isPositive();
        }
    }

    /** It never left, so its balloon goes on: nothing is refused for longer than the attempt lasts. */
    @Test
    void guestThatStays_goesOnWithItsBalloon() throws Exception {
        long seed = Seeds.of("BalloonMigrationTest stays");
        try (GuestMemory memory = GuestMemory.present(TABLE);
                BallooningGuest here = new BallooningGuest(memory, seed, 0)) {
            Balloon balloon = balloon(memory);
            here.use(balloon);
            here.resume();
            Threads.await("the balloon changes", 20, () -> here.balloonChanges() > 100);
            try (MigrationSource source = MigrationSource.listen(
                            Endpoint.parse("127.0.0.1:0"),
                            BalloonedGuest.here(here, memory, balloon),
                            memory,
                            MigrationPlan.of(MigrationMode.PRECOPY));
                    MigrationDestination destination =
                            MigrationDestination.open(DestinationConfig.from(source.endpoint()), there -> {
                                throw new IllegalStateException("no guest is wanted here");
                            })) {
                assertThatThrownBy(() -> source.migrate(PATIENCE)).isInstanceOf(HandoverException.class);
                assertThat(destination.resumed()).failsWithin(PATIENCE);
            }
            long changes = here.balloonChanges();
            Threads.await("the balloon changes again", 20, () -> here.balloonChanges() > changes + 100);
            here.pause();
            here.assertRight();
        }
    }

    @Test
    void balloonTooScatteredForTheHandover_keepsTheGuestHere() throws Exception {
        int pages = 1 << 21;
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages))) {
            ReleasedMemory released = new ReleasedMemory(pages);
            released.addMemory(0, pages);
            RangeBatch scattered = new RangeBatch();
            for (int page = 0; page < pages; page += 2) {
                scattered.add(page, 1);
            }
            released.release(scattered);
            BalloonedGuest guest =
                    BalloonedGuest.here(new BallooningGuest(memory, 0, 0), memory, new Balloon(memory, released));
            assertThatThrownBy(guest::saveCpuState)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("lie too scattered");
        }
    }

    @Test
    void stateWithoutABalloon_isRefused() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            for (byte[] wrong : new byte[][] {{}, {0, 0, 0}, {0, 0, 0, 9, 1}, {-1, 0, 0, 0, 1}, {0, 0, 0, 1, 7}}) {
                assertThatThrownBy(() -> arriving(memory, 0, 0).restoreCpuState(wrong))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }
}
