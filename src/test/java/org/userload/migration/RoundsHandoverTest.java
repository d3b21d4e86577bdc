package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.Leaks;
import org.userload.support.Patterns;
import org.userload.support.RawDestination;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/**
 * A source that moves a writing guest in rounds, against destinations that die, dawdle, cheat or are called off at each
 * point. Whatever happens before COMMIT, the guest runs on at the source, its memory is whole, and nothing is left.
 */
@Timeout(60)
@Isolated("counts descriptors and threads of the process")
@SuppressWarnings({"NullAway.Init", "try"}) // JUnit sets the fields; destinations die in the middle on purpose
class RoundsHandoverTest {
    private static final int WINDOW = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration LITTLE_PATIENCE = Duration.ofMillis(300);
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(0, 150),
                    new RegionTable.Entry(1L << 30, 1),
                    new RegionTable.Entry(1L << 40, 105)));

    private final long seed = Seeds.of("RoundsHandoverTest");
    private final AtomicInteger running = new AtomicInteger();
    private Leaks before;
    private GuestMemory memory;
    private StampingGuest guest;
    private @Nullable MigrationSource source;

    @BeforeEach
    void start() throws Exception {
        warmUp();
        before = Leaks.snapshot();
        memory = GuestMemory.present(TABLE);
        Patterns.fill(memory, seed);
        guest = new StampingGuest(memory, running, seed, 200, 20_000);
        guest.resume();
    }

    /** What is loaded once and kept is no leak. */
    private static void warmUp() throws Exception {
        try (GuestMemory small = GuestMemory.present(RegionTable.single(1));
                StampingGuest idle = new StampingGuest(small, new AtomicInteger(), 1, 1, 1000);
                MigrationSource first = MigrationSource.listen(
                        Endpoint.parse("127.0.0.1:0"), idle, small, MigrationPlan.of(MigrationMode.PRECOPY));
                RawDestination destination =
                        RawDestination.attach(first.endpoint()).start(1)) {
            destination.answerMarks(1);
            assertThatThrownBy(() -> first.migrate(Duration.ofMillis(50))).isInstanceOf(HandoverException.class);
        }
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        if (source != null) {
            source.close();
        }
        guest.close();
        memory.close();
        before.assertNothingNew();
    }

    private MigrationSource listen(MigrationPlan plan) throws IOException {
        source = MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), guest, memory, plan);
        return source;
    }

    /** A plan that does not come to an end by itself for many rounds. */
    private static MigrationPlan longPlan(MigrationMode mode) {
        MigrationPlan plan = MigrationPlan.of(mode).withDowntimeLimit(Duration.ofNanos(1000));
        return mode == MigrationMode.HYBRID ? plan.withHybridRounds(20) : plan;
    }

    private CompletableFuture<HandoverException> migrate(Duration patience) {
        MigrationSource mine = Objects.requireNonNull(source);
        return CompletableFuture.supplyAsync(
                () -> catchThrowableOfType(HandoverException.class, () -> mine.migrate(patience)));
    }

    private static HandoverException ended(CompletableFuture<HandoverException> migration) throws Exception {
        HandoverException ended = migration.get(30, TimeUnit.SECONDS);
        assertThat(ended).as("the guest has not moved").isNotNull();
        return ended;
    }

    /** Lets so many rounds come to their end; each leaves something dirty, however little the guest gets to run. */
    private void passRounds(RawDestination destination, int rounds) throws Exception {
        for (int i = 0; i < rounds; i++) {
            destination.awaitMarks(1);
            long steps = guest.steps();
            Threads.await("the guest writes", 10, () -> guest.steps() > steps + 1);
            destination.answerMarks(1);
        }
    }

    private void assertGuestRunsOnHere(CompletableFuture<HandoverException> migration, String why) throws Exception {
        HandoverException ended = ended(migration);
        assertThat(ended).hasMessageContaining(why);
        assertThat(ended.guestIsHere()).isTrue();
        assertGuestRunsOnHere();
    }

    private void assertGuestRunsOnHere() throws Exception {
        long steps = guest.steps();
        Threads.await("the guest runs on", 10, () -> guest.steps() > steps);
        guest.pause();
        assertThat(guest.isRight(memory, seed)).isTrue();
    }

    private static void assertError(@Nullable Frame error, String text) {
        assertThat(error).isNotNull();
        assertThat(Objects.requireNonNull(error).errorText()).contains(text);
        assertThat(error.errorCode()).isEqualTo(ErrorCode.PROTOCOL.code());
    }

    @Test
    void destinationWithoutRounds_isRefused_andTold() throws Exception {
        try (RawPeer peer =
                RawPeer.connect(listen(MigrationPlan.of(MigrationMode.STOPCOPY)).endpoint())) {
            peer.send(new Hello(Hello.VERSION, Role.CONTROL, PageSize.DEFAULT, 0, SessionId.NONE, null));
            assertError(peer.awaitEnd(), "moves in rounds, which the destination does not support");
        }
        assertGuestRunsOnHere();
    }

    @Test
    void markedBeforeAnyMark_isRefused() throws Exception {
        try (RawDestination destination = RawDestination.attach(
                listen(MigrationPlan.of(MigrationMode.PRECOPY)).endpoint())) {
            destination.stream().send(FrameType.START, 0, 0, WINDOW);
            destination.stream().send(FrameType.MARKED, 0, 0, 0, 1, new byte[0]);
            assertError(destination.stream().awaitEnd(), "MARKED frame with id 1 that no MARK has asked for");
        }
        assertGuestRunsOnHere();
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 2", "0, 0, 0", "0, 0, -1"})
    void markedWithAnotherId_endsTheMigration(int region, int first, int id) throws Exception {
        try (RawDestination destination = RawDestination.attach(
                        listen(longPlan(MigrationMode.PRECOPY)).endpoint())
                .start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.awaitMarks(1);
            destination.stream().send(FrameType.MARKED, region, first, 0, id, new byte[0]);
            assertGuestRunsOnHere(migration, "MARKED frame with id " + id);
        }
    }

    @Test
    void acknowledgementOfMoreThanWasSent_endsTheMigration() throws Exception {
        try (RawDestination destination = RawDestination.attach(
                        listen(longPlan(MigrationMode.PRECOPY)).endpoint())
                .start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.awaitMarks(1);
            destination.stream().send(FrameType.ACK, 0, 0, 1);
            assertGuestRunsOnHere(migration, "ACK frame for 1 pages, but only 0");
        }
    }

    @Test
    void secondStart_endsTheMigration() throws Exception {
        try (RawDestination destination = RawDestination.attach(
                        listen(longPlan(MigrationMode.HYBRID)).endpoint())
                .start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.awaitMarks(1);
            destination.stream().send(FrameType.START, 0, 0, WINDOW);
            assertGuestRunsOnHere(migration, "started already");
        }
    }

    @Test
    void requestInRounds_isRefused() throws Exception {
        MigrationSource migrating = listen(longPlan(MigrationMode.PRECOPY));
        try (RawPeer control = RawPeer.greet(migrating.endpoint(), Role.CONTROL, SessionId.NONE);
                RawPeer sync = RawPeer.greet(
                        migrating.endpoint(), Role.SYNC, control.read().hello().session())) {
            sync.read();
            sync.send(FrameType.REQUEST, 0, 0, 1);
            assertThat(Objects.requireNonNull(sync.awaitEnd()).errorCode()).isEqualTo(ErrorCode.NOT_HANDED_OVER.code());
        }
        assertGuestRunsOnHere();
    }

    @ParameterizedTest
    @CsvSource({"PRECOPY, 0", "PRECOPY, 3", "HYBRID, 0", "HYBRID, 2", "STOPCOPY, 0"})
    void guestRunsOn_whenDestinationDiesInARound(MigrationMode mode, int roundsBefore) throws Exception {
        try (RawDestination destination =
                RawDestination.attach(listen(longPlan(mode)).endpoint()).start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            passRounds(destination, roundsBefore);
            destination.awaitMarks(1);
            destination.close();
            assertGuestRunsOnHere(migration, "runs on here");
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestRunsOn_whenDestinationDiesBetweenTheLastPassAndReady(MigrationMode mode) throws Exception {
        try (RawDestination destination = RawDestination.attach(
                listen(MigrationPlan.of(mode).withMaxRounds(2)).endpoint())) {
            if (mode.hasRounds()) {
                destination.start(WINDOW);
            }
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.answerMarks(100);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            assertThat(running.get()).isZero();
            destination.close();
            assertGuestRunsOnHere(migration, "runs on here");
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestStaysPaused_whenDestinationDiesAfterCommit_andCannotBeCalledOff(MigrationMode mode) throws Exception {
        MigrationSource migrating = listen(MigrationPlan.of(mode).withMaxRounds(2));
        try (RawDestination destination = RawDestination.attach(migrating.endpoint())) {
            if (mode.hasRounds()) {
                destination.start(WINDOW);
            }
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.answerMarks(100);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            destination.control().send(FrameType.READY, 0, 0, 0);
            assertThat(destination.control().read().is(FrameType.COMMIT)).isTrue();
            assertThat(migrating.cancel()).isFalse();
            destination.close();
            HandoverException ended = ended(migration);
            assertThat(ended.guestIsHere()).isFalse();
            assertThat(running.get()).isZero();
            assertThat(guest.isRight(memory, seed)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = MigrationMode.class,
            names = {"PRECOPY", "HYBRID", "STOPCOPY"})
    void guestRunsOn_whenDestinationStopsAcknowledging(MigrationMode mode) throws Exception {
        try (RawDestination destination = RawDestination.attach(
                        listen(longPlan(mode)).endpoint())
                .withoutAcknowledging()
                .start(WINDOW)) {
            assertGuestRunsOnHere(migrate(LITTLE_PATIENCE), "within 300 ms");
            assertThat(destination.present()).isLessThan(TABLE.totalPages());
        }
    }

    @Test
    void guestRunsOn_whenDestinationNeverGrantsAWindow() throws Exception {
        try (RawDestination ignored =
                RawDestination.attach(listen(longPlan(MigrationMode.PRECOPY)).endpoint())) {
            assertGuestRunsOnHere(migrate(LITTLE_PATIENCE), "has not taken a round of pages within 300 ms");
        }
    }

    @ParameterizedTest
    @CsvSource({"PRECOPY, 0", "PRECOPY, 3", "HYBRID, 0", "HYBRID, 2", "STOPCOPY, 0"})
    void guestRunsOn_whenCancelledInARound(MigrationMode mode, int roundsBefore) throws Exception {
        MigrationSource migrating = listen(longPlan(mode));
        try (RawDestination destination =
                RawDestination.attach(migrating.endpoint()).start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            passRounds(destination, roundsBefore);
            destination.awaitMarks(1);
            assertThat(migrating.cancel()).isTrue();
            assertGuestRunsOnHere(migration, "cancelled");
            assertThat(migrating.cancel()).as("again").isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationMode.class)
    void guestRunsOn_whenCancelledWhilePaused(MigrationMode mode) throws Exception {
        MigrationSource migrating = listen(MigrationPlan.of(mode).withMaxRounds(1));
        try (RawDestination destination = RawDestination.attach(migrating.endpoint())) {
            if (mode.hasRounds()) {
                destination.start(WINDOW);
            }
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.answerMarks(100);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            assertThat(running.get()).isZero();
            assertThat(migrating.cancel()).isTrue();
            assertGuestRunsOnHere(migration, "cancelled");
            assertThat(destination.control().read().is(FrameType.ABORT)).isTrue();
        }
    }

    @Test
    void guestRunsOn_whenCancelledBeforeItsMigration() throws Exception {
        MigrationSource migrating = listen(MigrationPlan.of(MigrationMode.PRECOPY));
        assertThat(migrating.cancel()).isTrue();
        try (RawDestination destination =
                RawDestination.attach(migrating.endpoint()).start(WINDOW)) {
            destination.answerMarks(100);
            assertGuestRunsOnHere(migrate(LITTLE_PATIENCE), "cancelled");
        }
    }

    @Test
    void guestRunsOn_whenCancelledWhileNoDestinationComes() throws Exception {
        MigrationSource migrating = listen(MigrationPlan.of(MigrationMode.PRECOPY));
        CompletableFuture<HandoverException> migration = migrate(Duration.ofHours(1));
        Threads.await("it waits", 10, () -> Threads.inside(RoundsHandoverTest.class, "awaitAttached") == 1);
        assertThat(migrating.cancel()).isTrue();
        assertGuestRunsOnHere(migration, "cancelled");
    }

    @Test
    void guestRunsOn_whenTheSourceIsClosedInARound() throws Exception {
        MigrationSource migrating = listen(longPlan(MigrationMode.PRECOPY));
        try (RawDestination destination =
                RawDestination.attach(migrating.endpoint()).start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.awaitMarks(1);
            migrating.close();
            assertGuestRunsOnHere(migration, "runs on here");
        }
    }

    @ParameterizedTest
    @CsvSource({"STOPCOPY", "PRECOPY"})
    void reasonOfADestinationThatCallsOff_isTold(MigrationMode mode) throws Exception {
        try (RawDestination destination =
                RawDestination.attach(listen(longPlan(mode)).endpoint()).start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            destination.awaitMarks(1);
            destination.control().send(FrameType.ABORT, 0, 0, 0, 0, "no room".getBytes(StandardCharsets.UTF_8));
            assertGuestRunsOnHere(migration, "no room");
        }
    }

    @Test
    void trackerThatCannotBeHad_isAClearError_andTheGuestRunsOn() throws Exception {
        MigrationSource migrating =
                listen(MigrationPlan.of(MigrationMode.PRECOPY).withTracker(TrackerChoice.SOFT_DIRTY));
        try (RawDestination destination =
                RawDestination.attach(migrating.endpoint()).start(WINDOW)) {
            assertGuestRunsOnHere(migrate(PATIENCE), "soft-dirty cannot be used");
            Frame told = destination.control().read();
            assertThat(told.is(FrameType.ABORT)).isTrue();
            assertThat(StandardCharsets.UTF_8.decode(told.body()).toString()).contains("soft-dirty");
        }
    }

    @Test
    void commit_waitsForTheLastPages() throws Exception {
        try (RawDestination destination = RawDestination.attach(
                        listen(MigrationPlan.of(MigrationMode.STOPCOPY)).endpoint())
                .start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            destination.control().send(FrameType.READY, 0, 0, 0);
            destination.awaitMarks(1);
            destination.control().socket().setSoTimeout(300);
            assertThatThrownBy(() -> destination.control().read()).isInstanceOf(SocketTimeoutException.class);
            destination.control().socket().setSoTimeout(20_000);
            destination.answerMarks(1);
            assertThat(destination.control().read().is(FrameType.COMMIT)).isTrue();
            destination.control().send(FrameType.STARTED, 0, 1, 0);
            assertThat(migration.get(20, TimeUnit.SECONDS)).isNull();
            assertThat(destination.hasWhatIsIn(memory)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"PRECOPY, UFFD_WP", "PRECOPY, ACCESS_LAYER", "HYBRID, UFFD_WP", "HYBRID, ACCESS_LAYER", "STOPCOPY, AUTO"
    })
    void whatIsOnTheWire_isTheMemoryAsOfThePause(MigrationMode mode, TrackerChoice tracker) throws Exception {
        MigrationPlan plan = longPlan(mode).withTracker(tracker).withMaxRounds(4);
        MigrationSource migrating = listen(mode == MigrationMode.HYBRID ? plan.withHybridRounds(4) : plan);
        try (RawDestination destination =
                RawDestination.attach(migrating.endpoint()).start(WINDOW)) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            passRounds(destination, mode == MigrationMode.STOPCOPY ? 0 : 4);
            destination.answerMarks(100);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            destination.control().send(FrameType.READY, 0, 0, 0);
            assertThat(destination.control().read().is(FrameType.COMMIT)).isTrue();
            assertThat(destination.hasWhatIsIn(memory))
                    .as("nothing old at COMMIT")
                    .isTrue();
            if (mode == MigrationMode.HYBRID) {
                assertThat(destination.present()).isLessThan(TABLE.totalPages());
            }
            destination.control().send(FrameType.STARTED, 0, 1, 0);
            assertThat(migration.get(20, TimeUnit.SECONDS)).isNull();
            if (mode == MigrationMode.HYBRID) {
                destination.awaitEndOfStream();
            }
            assertThat(destination.present()).isEqualTo(TABLE.totalPages());
            assertThat(destination.hasWhatIsIn(memory)).isTrue();
            destination.control().send(FrameType.COMPLETE, 0, 0, 0);
            migrating.completion().get(20, TimeUnit.SECONDS);
            assertThat(guest.isRight(memory, seed)).isTrue();
        }
    }

    /** MARKED says what is in place; an ACK that comes after it must not undo that a page is dirty. */
    @Test
    void acknowledgementInRounds_givesRoomOnly() throws Exception {
        MigrationSource migrating = listen(MigrationPlan.of(MigrationMode.HYBRID));
        try (RawDestination destination = RawDestination.attach(migrating.endpoint())
                .withoutAcknowledging()
                .start(4 * (int) TABLE.totalPages())) {
            CompletableFuture<HandoverException> migration = migrate(PATIENCE);
            passRounds(destination, 1);
            destination.awaitMarks(1);
            assertThat(destination.present()).as("some are called back").isLessThan(TABLE.totalPages());
            destination.acknowledge();
            destination.answerMarks(1);
            assertThat(destination.control().read().is(FrameType.PREPARE)).isTrue();
            destination.control().send(FrameType.READY, 0, 0, 0);
            assertThat(destination.control().read().is(FrameType.COMMIT)).isTrue();
            destination.acknowledgeFromNowOn();
            destination.control().send(FrameType.STARTED, 0, 1, 0);
            assertThat(migration.get(20, TimeUnit.SECONDS)).isNull();
            destination.awaitEndOfStream();
            assertThat(destination.present()).isEqualTo(TABLE.totalPages());
            assertThat(destination.hasWhatIsIn(memory)).isTrue();
        }
    }

    /** A guest with one step that fails. */
    private record FailingGuest(Guest guest, String step) implements Guest {
        private void pass(String now) {
            if (now.equals(step)) {
                throw new IllegalStateException("the guest has failed");
            }
        }

        @Override
        public void pause() {
            pass("pause");
            guest.pause();
        }

        @Override
        public byte[] saveCpuState() {
            pass("save");
            return guest.saveCpuState();
        }

        @Override
        public void restoreCpuState(byte[] state) {
            guest.restoreCpuState(state);
        }

        @Override
        public void resume() {
            guest.resume();
        }
    }

    @ParameterizedTest
    @CsvSource({"PRECOPY, pause", "PRECOPY, save", "HYBRID, save", "STOPCOPY, pause", "POSTCOPY, save"})
    void guestThatCannotBePausedOrSaved_staysHere(MigrationMode mode, String step) throws Exception {
        source = MigrationSource.listen(
                Endpoint.parse("127.0.0.1:0"),
                new FailingGuest(guest, step),
                memory,
                MigrationPlan.of(mode).withMaxRounds(2));
        try (RawDestination destination = RawDestination.attach(source.endpoint())) {
            if (mode.hasRounds()) {
                destination.start(WINDOW);
            }
            destination.answerMarks(100);
            assertGuestRunsOnHere(migrate(PATIENCE), "the guest has failed");
            assertThat(destination.control().read().is(FrameType.ABORT)).isTrue();
        }
    }
}
