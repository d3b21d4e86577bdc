package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.DestinationConfig;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.support.CountingGuest;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;

/** The destination against sources that die or change their mind at each point of the handover. */
@Timeout(60)
class DestinationHandoverTest {
    private final CountingGuest guest = new CountingGuest(new CountingGuest.Census(), "");
    private final CompletableFuture<Frame> ready = new CompletableFuture<>();
    private final CompletableFuture<Frame> started = new CompletableFuture<>();
    private final CompletableFuture<Frame> aborted = new CompletableFuture<>();

    @SuppressWarnings("NullAway.Init")
    private FakeSource source;

    @SuppressWarnings("NullAway.Init")
    private MigrationDestination destination;

    @BeforeEach
    void connect() throws Exception {
        source = new FakeSource(RegionTable.single(8), new FakeSource.Script() {
            @Override
            protected void other(FakeSource from, Role role, RawPeer peer, Frame frame) {
                if (frame.is(FrameType.READY)) {
                    ready.complete(frame);
                } else if (frame.is(FrameType.STARTED)) {
                    started.complete(frame);
                } else if (frame.is(FrameType.ABORT)) {
                    aborted.complete(frame);
                }
            }
        });
        destination = MigrationDestination.open(DestinationConfig.from(source.endpoint()), memory -> guest);
    }

    @AfterEach
    void end() throws Exception {
        destination.close();
        source.close();
    }

    private void send(FrameType type, String body) throws Exception {
        source.peer(Role.CONTROL).send(type, 0, 100, 0, 0, body.getBytes(StandardCharsets.UTF_8));
    }

    private void assertNeverRuns(String why) {
        assertThatThrownBy(() -> destination.resumed().get(10, TimeUnit.SECONDS))
                .hasCauseInstanceOf(HandoverException.class)
                .hasMessageContaining(why);
        assertThat(guest.resumes()).isZero();
    }

    @Test
    void guestRuns_onCommit_once() throws Exception {
        send(FrameType.PREPARE, "moved");
        ready.get(10, TimeUnit.SECONDS);
        assertThat(guest.isRunning()).isFalse();
        send(FrameType.COMMIT, "");
        send(FrameType.COMMIT, "");
        Frame told = started.get(10, TimeUnit.SECONDS);
        assertThat(told.firstPage()).isGreaterThanOrEqualTo(100);
        MigrationDestination.Resumed resumed = destination.resumed().get(10, TimeUnit.SECONDS);
        assertThat(resumed.guest()).isSameAs(guest);
        assertThat(guest.state()).isEqualTo("moved");
        assertThat(guest.resumes()).isEqualTo(1);
    }

    @Test
    void guestDoesNotRun_whenSourceDiesBeforeCommit() throws Exception {
        send(FrameType.PREPARE, "moved");
        ready.get(10, TimeUnit.SECONDS);
        source.close();
        assertNeverRuns("is lost");
    }

    @Test
    void guestDoesNotRun_whenSourceCallsOff() throws Exception {
        send(FrameType.PREPARE, "moved");
        ready.get(10, TimeUnit.SECONDS);
        send(FrameType.ABORT, "changed my mind");
        assertNeverRuns("changed my mind");
        send(FrameType.COMMIT, "");
        Thread.sleep(100);
        assertThat(guest.resumes()).isZero();
    }

    @Test
    void unfitState_isRefused_andSourceIsTold() throws Exception {
        send(FrameType.PREPARE, "unfit");
        Frame told = aborted.get(10, TimeUnit.SECONDS);
        assertThat(StandardCharsets.UTF_8.decode(told.body()).toString()).contains("does not fit");
        assertNeverRuns("does not fit");
    }

    @Test
    void commitWithoutPrepare_runsNothing() throws Exception {
        send(FrameType.COMMIT, "");
        Thread.sleep(100);
        assertThat(guest.resumes()).isZero();
    }

    @Test
    void sourceThatIsSilentAfterReady_isGivenUp() throws Exception {
        try (MigrationDestination impatient = MigrationDestination.open(
                DestinationConfig.from(source.endpoint()).withDeadline(Duration.ofMillis(300)), memory -> guest)) {
            send(FrameType.PREPARE, "moved");
            assertThatThrownBy(() -> impatient.resumed().get(10, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(HandoverException.class)
                    .hasMessageContaining("300 ms");
            assertThat(guest.resumes()).isZero();
        }
    }
}
