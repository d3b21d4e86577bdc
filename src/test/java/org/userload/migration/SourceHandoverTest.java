package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.CountingGuest;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** The source against destinations that die, dawdle or cheat at each point of the handover. */
@Timeout(60)
class SourceHandoverTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration LITTLE_PATIENCE = Duration.ofMillis(200);

    private final CountingGuest guest = new CountingGuest(new CountingGuest.Census(), "state");
    private final GuestMemory memory = GuestMemory.present(RegionTable.single(8));

    @SuppressWarnings("NullAway.Init")
    private MigrationSource source;

    private final List<RawPeer> peers = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        source = MigrationSource.listen(
                Endpoint.parse("127.0.0.1:0"), guest, memory, MigrationPlan.of(MigrationMode.POSTCOPY));
        guest.resume();
    }

    @AfterEach
    void end() throws IOException {
        dieAtOnce();
        source.close();
        memory.close();
    }

    /** The connections of a destination. */
    private record Attached(RawPeer control, RawPeer sync, RawPeer stream) {}

    private Attached attach() throws IOException {
        RawPeer control = open(Role.CONTROL, SessionId.NONE);
        SessionId session = control.read().hello().session();
        RawPeer sync = open(Role.SYNC, session);
        sync.read();
        RawPeer stream = open(Role.STREAM, session);
        stream.read();
        return new Attached(control, sync, stream);
    }

    /** The source notices the end of another destination in its own time; until then it turns this one away. */
    private RawPeer attachOnceThereIsRoom() throws IOException {
        while (true) {
            RawPeer control = attach().control();
            control.socket().setSoTimeout(300);
            try {
                assertThat(control.read().is(FrameType.ABORT)).isTrue();
                dieAtOnce();
                peers.clear();
            } catch (SocketTimeoutException e) {
                control.socket().setSoTimeout(20_000);
                return control;
            }
        }
    }

    private RawPeer open(Role role, SessionId session) throws IOException {
        RawPeer peer = RawPeer.greet(source.endpoint(), role, session);
        peers.add(peer);
        return peer;
    }

    private void dieAtOnce() throws IOException {
        for (RawPeer peer : peers) {
            peer.close();
        }
    }

    private CompletableFuture<HandoverException> migrate(Duration patience) {
        return CompletableFuture.supplyAsync(
                () -> catchThrowableOfType(HandoverException.class, () -> source.migrate(patience)));
    }

    private static HandoverException get(CompletableFuture<HandoverException> migration) throws Exception {
        return migration.get(30, TimeUnit.SECONDS);
    }

    @Test
    void guestRunsOn_whenNoDestinationComes() throws Exception {
        HandoverException refused = get(migrate(LITTLE_PATIENCE));
        assertThat(refused.guestIsHere()).isTrue();
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void guestRunsOn_whenDestinationDiesBeforeReady() throws Exception {
        RawPeer control = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        Frame prepare = control.read();
        assertThat(prepare.is(FrameType.PREPARE)).isTrue();
        assertThat(StandardCharsets.UTF_8.decode(prepare.body()).toString()).isEqualTo("state");
        assertThat(guest.isRunning()).isFalse();
        dieAtOnce();
        HandoverException refused = get(migration);
        assertThat(refused.guestIsHere()).isTrue();
        assertThat(refused).hasMessageContaining("runs on here");
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void guestRunsOn_andLateReadyIsNotCommitted_whenDestinationDawdles() throws Exception {
        RawPeer control = attach().control();
        HandoverException refused = get(migrate(LITTLE_PATIENCE));
        assertThat(refused.guestIsHere()).isTrue();
        assertThat(guest.isRunning()).isTrue();
        assertThat(control.read().is(FrameType.PREPARE)).isTrue();
        assertThat(control.read().is(FrameType.ABORT)).isTrue();
        try {
            control.send(FrameType.READY, 0, 0, 0);
            assertThat(control.awaitEnd()).isNull();
        } catch (IOException e) {
            // The source has closed the connection already.
        }
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void guestRunsOn_whenDestinationCallsOff() throws Exception {
        RawPeer control = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        control.read();
        control.send(FrameType.ABORT, 0, 0, 0, 0, "no room".getBytes(StandardCharsets.UTF_8));
        HandoverException refused = get(migration);
        assertThat(refused).hasMessageContaining("no room");
        assertThat(refused.guestIsHere()).isTrue();
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void guestNeverRunsAgain_onceCommitWasSent_evenIfDestinationDies() throws Exception {
        RawPeer control = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        control.read();
        control.send(FrameType.READY, 0, 0, 0);
        assertThat(control.read().is(FrameType.COMMIT)).isTrue();
        dieAtOnce();
        HandoverException refused = get(migration);
        assertThat(refused.guestIsHere()).isFalse();
        assertThat(refused).hasMessageContaining("may run there");
        assertThat(guest.isRunning()).isFalse();
    }

    @Test
    void guestIsOnOneSideOnly_whenReadyAndDeathRace() throws Exception {
        RawPeer control = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        control.read();
        control.send(FrameType.READY, 0, 0, 0);
        dieAtOnce();
        HandoverException refused = get(migration);
        assertThat(guest.isRunning()).isEqualTo(refused.guestIsHere());
    }

    @Test
    void pagesAreRefused_untilGuestIsHandedOver() throws Exception {
        RawPeer sync = attach().sync();
        sync.send(FrameType.REQUEST, 0, 0, 1);
        Frame error = sync.awaitEnd();
        assertThat(error).isNotNull();
        assertThat(error.errorText()).contains("paused");
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void secondDestination_isTurnedAway() throws Exception {
        RawPeer first = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        assertThat(first.read().is(FrameType.PREPARE)).isTrue();
        RawPeer second = attach().control();
        assertThat(second.read().is(FrameType.ABORT)).isTrue();
        first.send(FrameType.READY, 0, 0, 0);
        assertThat(first.read().is(FrameType.COMMIT)).isTrue();
        first.send(FrameType.STARTED, 0, 1234, 0);
        assertThat(get(migration)).isNull();
        assertThat(guest.isRunning()).isFalse();
    }

    @Test
    void readyBeforePrepare_isAgainstTheProtocol_andHandsNothingOver() throws Exception {
        RawPeer control = attach().control();
        control.send(FrameType.READY, 0, 0, 0);
        Frame error = control.awaitEnd();
        assertThat(error).isNotNull();
        assertThat(error.errorText()).contains("READY");
        assertThat(get(migrate(LITTLE_PATIENCE)).guestIsHere()).isTrue();
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void closingTheSource_wakesWhoWaitsForADestination() throws Exception {
        CompletableFuture<HandoverException> migration = migrate(Duration.ofHours(1));
        Threads.await("it waits", 10, () -> Threads.inside(SourceHandoverTest.class, "migrate") == 1);
        source.close();
        assertThat(get(migration).guestIsHere()).isTrue();
        assertThat(guest.isRunning()).isTrue();
    }

    @Test
    void completeBeforeStarted_countsAsStarted() throws Exception {
        RawPeer control = attach().control();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        control.read();
        control.send(FrameType.READY, 0, 0, 0);
        assertThat(control.read().is(FrameType.COMMIT)).isTrue();
        control.send(FrameType.COMPLETE, 0, 0, 0);
        assertThat(get(migration)).isNull();
        source.completion().get(10, TimeUnit.SECONDS);
    }

    @Test
    void destinationThatLeavesBeforeTheHandover_makesRoomForAnother() throws Exception {
        attach();
        source.awaitDestination(PATIENCE);
        dieAtOnce();
        peers.clear();
        RawPeer second = attachOnceThereIsRoom();
        CompletableFuture<HandoverException> migration = migrate(PATIENCE);
        assertThat(second.read().is(FrameType.PREPARE)).isTrue();
        second.send(FrameType.READY, 0, 0, 0);
        assertThat(second.read().is(FrameType.COMMIT)).isTrue();
        second.send(FrameType.STARTED, 0, 1, 0);
        assertThat(get(migration)).isNull();
    }
}
