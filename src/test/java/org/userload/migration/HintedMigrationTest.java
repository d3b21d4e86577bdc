package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.hint.FreePageReporter;
import org.userload.hint.FreePageSink;
import org.userload.hint.HintOutcome;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Patterns;
import org.userload.support.RawDestination;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** Migrations with hints, whatever the guest makes of the question. */
@Timeout(60)
class HintedMigrationTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int WINDOW = 32;
    private static final long SECOND = 1L << 40;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 150), new RegionTable.Entry(SECOND, 50)));
    private static final long POISON = 0x0102_0304_0506_0708L;

    private final long seed = Seeds.of("HintedMigrationTest");
    private final GuestMemory memory = GuestMemory.present(TABLE);

    /** Answers with what a test wants; the guest itself stands still. */
    private record Asked(@Nullable FreePageReporter reporter) implements Guest {
        @Override
        public void pause() {}

        @Override
        public byte[] saveCpuState() {
            return new byte[1];
        }

        @Override
        public void restoreCpuState(byte[] state) {}

        @Override
        public void resume() {}

        @Override
        public Optional<FreePageReporter> freePageReporter() {
            return Optional.ofNullable(reporter);
        }
    }

    /** Reports in one way; what it was told to stop is noted. */
    private static FreePageReporter reporting(AtomicInteger stopped, Answer answer) {
        return new FreePageReporter() {
            @Override
            public CompletableFuture<Void> report(int id, FreePageSink sink) {
                return answer.to(id, sink);
            }

            @Override
            public void stop(int id) {
                stopped.set(id);
            }
        };
    }

    private interface Answer {
        CompletableFuture<Void> to(int id, FreePageSink sink);
    }

    private static CompletableFuture<Void> done() {
        return CompletableFuture.completedFuture(null);
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private static MigrationPlan plan(MigrationMode mode) {
        return MigrationPlan.of(mode).withHints(true).withHintWait(Duration.ofSeconds(10));
    }

    /** Moves the guest to a destination that ends up with every page, and says what hints did. */
    private HintReport move(MigrationPlan plan, @Nullable FreePageReporter reporter, Inspection then) throws Exception {
        Patterns.fill(memory, seed);
        try (MigrationSource source =
                        MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), new Asked(reporter), memory, plan);
                RawDestination destination = RawDestination.attach(source.endpoint())) {
            boolean rounds = plan.mode().hasRounds();
            destination.answerMarks(1000);
            if (rounds) {
                destination.start(WINDOW);
            }
            destination.takeGuest(rounds ? 0 : WINDOW);
            source.migrate(PATIENCE);
            Threads.await("every page is there", 20, () -> destination.present() == TABLE.totalPages());
            then.of(source, destination);
            return Objects.requireNonNull(source.report()).hints();
        }
    }

    /** What is so when the guest has moved. */
    private interface Inspection {
        void of(MigrationSource source, RawDestination destination) throws Exception;
    }

    private void hasEverything(MigrationSource source, RawDestination destination) {
        assertThat(destination.freePages()).isZero();
        assertThat(destination.hasWhatIsIn(memory)).isTrue();
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void hintedPages_goAsRuns_filledWithThePoison(MigrationMode mode) throws Exception {
        AtomicInteger stopped = new AtomicInteger();
        FreePageReporter reporter = reporting(stopped, (id, sink) -> {
            sink.free(10 << 12, 100);
            sink.free(SECOND, 50);
            return done();
        });
        HintReport hints = move(plan(mode).withPoison(POISON), reporter, (source, destination) -> {
            assertThat(destination.freePages()).isEqualTo(150);
            assertThat(source.freePagesSent()).isEqualTo(150);
            for (int page = 0; page < 150; page++) {
                long expected = page < 10 || page >= 110 ? memory.getLong((long) page << 12) : POISON;
                assertThat(destination.wordOf(0, page, 0)).isEqualTo(expected);
            }
            assertThat(destination.wordOf(1, 49, 4088)).isEqualTo(POISON);
        });
        assertThat(hints.problem()).isNull();
        assertThat(hints.taken()).isGreaterThanOrEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatCannotTell_moves_andTheReportSaysSo(MigrationMode mode) throws Exception {
        HintReport hints = move(plan(mode), null, this::hasEverything);
        assertThat(hints.problem()).contains("cannot tell");
        assertThat(hints.reports()).isZero();
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatThrows_moves_andTheReportSaysSo(MigrationMode mode) throws Exception {
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            throw new IllegalStateException("no such balloon");
        });
        assertThat(move(plan(mode), reporter, this::hasEverything).problem()).contains("no such balloon");
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatFailsLater_moves_andTheReportSaysSo(MigrationMode mode) throws Exception {
        FreePageReporter reporter = reporting(
                new AtomicInteger(), (id, sink) -> CompletableFuture.failedFuture(new AssertionError("broken pipe")));
        assertThat(move(plan(mode), reporter, this::hasEverything).problem()).contains("broken pipe");
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatNeverAnswers_moves_andIsToldToStop(MigrationMode mode) throws Exception {
        AtomicInteger stopped = new AtomicInteger();
        FreePageReporter reporter = reporting(stopped, (id, sink) -> new CompletableFuture<>());
        HintReport hints = move(plan(mode).withHintWait(Duration.ofMillis(20)), reporter, this::hasEverything);
        assertThat(hints.late()).isEqualTo(hints.reports()).isPositive();
        assertThat(stopped.get()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatDoesNotReturn_moves_andItsThreadIsInterrupted(MigrationMode mode) throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
            return done();
        });
        HintReport hints = move(plan(mode).withHintWait(Duration.ofMillis(20)), reporter, this::hasEverything);
        assertThat(hints.late()).isPositive();
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestThatFloodsWithNonsense_moves_whole_andItIsCounted(MigrationMode mode) throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        AtomicReference<@Nullable Thread> flood = new AtomicReference<>();
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            if (flood.get() == null) {
                Thread thread = new Thread(() -> {
                    while (over.getCount() > 0) {
                        sink.free(-4096, 1);
                        sink.free(149 << 12, Long.MAX_VALUE);
                        sink.free(Long.MAX_VALUE & -4096, 1);
                        sink.free(1, 1);
                        sink.free(0, 0);
                        begun.countDown();
                    }
                });
                thread.setDaemon(true);
                flood.set(thread);
                thread.start();
            }
            return new CompletableFuture<>();
        });
        FreePageReporter asked = reporting(new AtomicInteger(), (id, sink) -> {
            CompletableFuture<Void> never = reporter.report(id, sink);
            awaitUnchecked(begun);
            return never;
        });
        try {
            HintReport hints = move(plan(mode).withHintWait(Duration.ofMillis(500)), asked, this::hasEverything);
            assertThat(hints.refused()).isPositive();
            assertThat(hints.taken()).isZero();
        } finally {
            over.countDown();
            Objects.requireNonNull(flood.get()).join();
        }
    }

    @Test
    void hintsAfterThePause_areStale() throws Exception {
        AtomicReference<@Nullable FreePageSink> late = new AtomicReference<>();
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            late.set(sink);
            return done();
        });
        HintReport before = move(plan(MigrationMode.POSTCOPY), reporter, (source, destination) -> {
            Objects.requireNonNull(late.get()).free(0, 150);
            assertThat(source.freePages().count()).isZero();
            assertThat(source.freePages().hints(HintOutcome.STALE)).isOne();
            hasEverything(source, destination);
        });
        assertThat(before.stale()).as("counted when the guest was handed over").isZero();
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void migrationThatIsCancelledWhileItWaits_leavesTheGuestHere(MigrationMode mode) throws Exception {
        AtomicInteger stopped = new AtomicInteger();
        CountDownLatch asked = new CountDownLatch(1);
        FreePageReporter reporter = reporting(stopped, (id, sink) -> {
            asked.countDown();
            return new CompletableFuture<>();
        });
        try (MigrationSource source =
                        MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), new Asked(reporter), memory, plan(mode));
                RawDestination destination = RawDestination.attach(source.endpoint())) {
            CompletableFuture<HandoverException> migration = CompletableFuture.supplyAsync(
                    () -> catchThrowableOfType(HandoverException.class, () -> source.migrate(PATIENCE)));
            assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(source.cancel()).isTrue();
            HandoverException ended = migration.get(5, TimeUnit.SECONDS);
            assertThat(ended).hasMessageContaining("cancelled");
            assertThat(ended.guestIsHere()).isTrue();
            assertThat(stopped.get()).isPositive();
            assertThat(destination.present()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = MigrationMode.class,
            names = {"POSTCOPY", "STOPCOPY"})
    void memoryWhoseWritesCannotBeTracked_movesWithoutHints(MigrationMode mode) throws Exception {
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            sink.free(0, 150);
            return done();
        });
        try (DirtyTracker other = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP)) {
            other.start();
            HintReport hints = move(plan(mode).withTracker(TrackerChoice.UFFD_WP), reporter, this::hasEverything);
            assertThat(hints.problem()).contains("cannot be tracked");
            assertThat(hints.reports()).isZero();
        }
    }

    /**
     * The page is free when the guest is asked, is written to at once, and is hinted while the next round is on its way. If
     * the guest were asked before the collection, that would find the write, and the hint would undo it.
     */
    @Test
    void hintThatComesInTheRound_doesNotUndoTheCollectionBefore() throws Exception {
        Patterns.fill(memory, seed);
        AtomicReference<@Nullable Runnable> late = new AtomicReference<>();
        FreePageReporter reporter = reporting(new AtomicInteger(), (id, sink) -> {
            if (id == 2) {
                for (int page = 0; page < 150; page++) {
                    memory.putLong((long) page << 12, page);
                }
                memory.putLong(SECOND + (49 << 12), 12345);
                late.set(() -> sink.free(SECOND + (49 << 12), 1));
            }
            return done();
        });
        MigrationPlan twice = plan(MigrationMode.HYBRID).withHybridRounds(3);
        try (MigrationSource source =
                        MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), new Asked(reporter), memory, twice);
                RawDestination destination =
                        RawDestination.attach(source.endpoint()).start(WINDOW).takeGuest(0)) {
            CompletableFuture<Long> migration = CompletableFuture.supplyAsync(() -> source.migrate(PATIENCE));
            destination.awaitMarks(1);
            destination.withoutAcknowledging().answerMarks(1);
            destination.awaitContentOrMark();
            Threads.await("the guest was asked again", 20, () -> late.get() != null);
            Objects.requireNonNull(late.get()).run();
            destination.acknowledgeFromNowOn();
            destination.acknowledge();
            destination.answerMarks(1000);
            migration.get(20, TimeUnit.SECONDS);
            Threads.await("every page is there", 20, () -> destination.present() == TABLE.totalPages());
            assertThat(destination.hasWhatIsIn(memory)).isTrue();
            assertThat(Objects.requireNonNull(source.report()).hints().taken()).isOne();
        }
    }

    @Test
    void poison_isForHintsOnly() {
        MigrationPlan off = MigrationPlan.of(MigrationMode.PRECOPY);
        assertThatThrownBy(() -> off.withPoison(1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("turn them on");
        assertThat(off.withHints(true).withPoison(POISON).poison()).isEqualTo(POISON);
        assertThatThrownBy(() -> off.withHints(true).withHintWait(Duration.ofHours(1)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
