package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.migration.HandoverPeer.Step;
import org.userload.protocol.FrameType;
import org.userload.support.CountingGuest;
import org.userload.support.Patterns;
import org.userload.support.PeerJvm;
import org.userload.support.Relay;
import org.userload.transport.Endpoint;

/** The other side is a process that is killed (SIGKILL) at each point of the handover: who runs the guest? */
@Timeout(120)
class KilledPeerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** The source is here, the destination is killed. */
    @Nested
    class DestinationIsKilled {
        private final CountingGuest guest = new CountingGuest(new CountingGuest.Census(), HandoverPeer.STATE);

        /** What {@code migrate} ended with, once the destination was killed. */
        private HandoverException migrateAndKill(Endpoint listen, Killing killing) throws Exception {
            try (GuestMemory memory = GuestMemory.present(RegionTable.single(HandoverPeer.PAGES))) {
                Patterns.fill(memory, HandoverPeer.SEED);
                guest.resume();
                try (MigrationSource source =
                        MigrationSource.listen(listen, guest, memory, MigrationPlan.of(MigrationMode.POSTCOPY))) {
                    CompletableFuture<HandoverException> migration = CompletableFuture.supplyAsync(
                            () -> catchThrowableOfType(HandoverException.class, () -> source.migrate(PATIENCE)));
                    killing.kill(source.endpoint());
                    HandoverException ended = migration.get(60, TimeUnit.SECONDS);
                    assertThat(ended).isNotNull();
                    assertThat(ended).as("it is noticed, not waited for").hasMessageNotContaining("within");
                    assertThat(Patterns.firstDifference(memory, HandoverPeer.SEED))
                            .as("the guest's memory is whole")
                            .isEqualTo(-1);
                    return ended;
                }
            }
        }

        @Test
        void guestRunsOnAtTheSource_whenItDiesBeforeReady() throws Exception {
            HandoverException ended = migrateAndKill(Endpoint.parse("127.0.0.1:0"), source -> {
                try (PeerJvm destination = destination(source, Step.RESTORE)) {
                    destination.awaitLine("RESTORE");
                    assertThat(guest.isRunning()).isFalse();
                    destination.kill();
                    assertThat(destination.has("RUNS")).isFalse();
                }
            });
            assertThat(ended.guestIsHere()).isTrue();
            assertThat(guest.isRunning()).isTrue();
            assertThat(guest.resumes()).isEqualTo(2);
        }

        @Test
        void guestStaysPaused_whenItDiesAfterReady_withCommitOnItsWay() throws Exception {
            HandoverException ended = migrateAndKill(Endpoint.parse("127.0.0.1:0"), source -> {
                try (Relay relay = new Relay(source, FrameType.COMMIT);
                        PeerJvm destination = destination(relay.endpoint(), Step.NEVER)) {
                    relay.awaitHeld();
                    destination.kill();
                    assertThat(destination.has("RUNS")).isFalse();
                }
            });
            assertPausedForGood(ended);
        }

        @Test
        void guestStaysPaused_whenItDiesAfterCommit_beforeStarted() throws Exception {
            HandoverException ended = migrateAndKill(Endpoint.parse("127.0.0.1:0"), source -> {
                try (PeerJvm destination = destination(source, Step.RESUME)) {
                    destination.awaitLine("RESUME");
                    destination.kill();
                }
            });
            assertPausedForGood(ended);
        }

        private void assertPausedForGood(HandoverException ended) {
            assertThat(ended.guestIsHere()).isFalse();
            assertThat(ended).hasMessageContaining("stays paused here");
            assertThat(guest.isRunning()).isFalse();
            assertThat(guest.resumes()).isEqualTo(1);
        }

        private PeerJvm destination(Endpoint source, Step stop) throws IOException {
            return PeerJvm.start(HandoverPeer.class, "destination", source.toString(), stop.name());
        }
    }

    /** Kills a destination of a source at the right moment. */
    private interface Killing {
        void kill(Endpoint source) throws Exception;
    }

    /** The destination is here, the source is killed. */
    @Nested
    class SourceIsKilled {
        private final WaitingGuest guest = new WaitingGuest();

        @ParameterizedTest
        @EnumSource(
                value = Step.class,
                names = {"PAUSE", "SAVE"})
        void guestNeverRunsHere_whenItDiesBeforePrepare(Step stop) throws Exception {
            guest.mayRestore.countDown();
            try (PeerJvm source = source(stop);
                    MigrationDestination destination = open(Endpoint.parse(source.awaitLine("LISTENS ")))) {
                source.awaitLine(stop.name());
                source.kill();
                assertNeverRuns(destination);
            }
        }

        @Test
        void guestNeverRunsHere_whenItDiesBetweenPrepareAndReady() throws Exception {
            try (PeerJvm source = source(Step.NEVER);
                    MigrationDestination destination = open(Endpoint.parse(source.awaitLine("LISTENS ")))) {
                await(guest.restoring);
                source.kill();
                guest.mayRestore.countDown();
                assertNeverRuns(destination);
            }
        }

        @Test
        void guestNeverRunsHere_whenItDiesWithCommitOnItsWay() throws Exception {
            guest.mayRestore.countDown();
            try (PeerJvm source = source(Step.NEVER);
                    Relay relay = new Relay(Endpoint.parse(source.awaitLine("LISTENS ")), FrameType.COMMIT);
                    MigrationDestination destination = open(relay.endpoint())) {
                relay.awaitHeld();
                source.kill();
                assertNeverRuns(destination);
            }
        }

        @ParameterizedTest
        @EnumSource(
                value = InterceptorChoice.class,
                names = {"USERFAULTFD", "SOFTWARE", "SIGNAL"})
        void guestRunsHere_untilItsFirstMissingPage_whenItDiesAfterCommit(InterceptorChoice interceptor)
                throws Exception {
            guest.mayRestore.countDown();
            try (PeerJvm source = source(Step.NEVER);
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(Endpoint.parse(source.awaitLine("LISTENS ")))
                                    .withInterceptor(interceptor),
                            memory -> guest)) {
                await(guest.resuming);
                source.kill();
                guest.mayResume.countDown();
                destination.resumed().get(30, TimeUnit.SECONDS);
                assertThat(guest.resumes()).isEqualTo(1);
                GuestMemory memory = destination.destination().memory();
                for (long page = 0; page < HandoverPeer.PAGES; page++) {
                    long address = page << 12;
                    assertThatThrownBy(() -> memory.getLong(address)).isInstanceOf(PageUnavailableException.class);
                }
            }
        }

        private PeerJvm source(Step stop) throws IOException {
            return PeerJvm.start(HandoverPeer.class, "source", stop.name());
        }

        private MigrationDestination open(Endpoint source) throws IOException {
            guest.mayResume.countDown();
            return MigrationDestination.open(DestinationConfig.from(source), memory -> guest);
        }

        private void assertNeverRuns(MigrationDestination destination) throws InterruptedException {
            assertThatThrownBy(() -> destination.resumed().get(30, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(HandoverException.class)
                    .hasMessageContaining("is lost");
            // No frame reaches it once its loops have ended.
            destination.close();
            assertThat(guest.resumes()).isZero();
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    }

    /** Waits in its steps until the test lets it go on. */
    private static final class WaitingGuest implements Guest {
        final CountDownLatch restoring = new CountDownLatch(1);
        final CountDownLatch mayRestore = new CountDownLatch(1);
        final CountDownLatch resuming = new CountDownLatch(1);
        final CountDownLatch mayResume = new CountDownLatch(1);
        private final CountingGuest counting = new CountingGuest(new CountingGuest.Census(), "");

        int resumes() {
            return counting.resumes();
        }

        @Override
        public void pause() {
            counting.pause();
        }

        @Override
        public byte[] saveCpuState() {
            return counting.saveCpuState();
        }

        @Override
        public void restoreCpuState(byte[] state) {
            assertThat(new String(state, StandardCharsets.UTF_8)).isEqualTo(HandoverPeer.STATE);
            restoring.countDown();
            waitFor(mayRestore);
            counting.restoreCpuState(state);
        }

        @Override
        public void resume() {
            resuming.countDown();
            waitFor(mayResume);
            counting.resume();
        }

        private static void waitFor(CountDownLatch latch) {
            try {
                await(latch);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
