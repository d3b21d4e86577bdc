package org.userload.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.channel.ChannelEnd.Reason;
import org.userload.support.RawGuest;
import org.userload.support.Seeds;
import org.userload.support.Threads;

@Timeout(60)
class GuestChannelTest {
    private static final ChannelLimits LIMITS = ChannelLimits.DEFAULT;
    private static final Duration LONG = Duration.ofSeconds(30);

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void messages_arriveWholeAndInOrder_inBothDirections(PipeKind kind) throws Exception {
        SplittableRandom random = Seeds.random("messages_arriveWholeAndInOrder");
        PipeKind.Ends ends = kind.connect();
        Collected atHost = new Collected("a.port", 1, 3);
        Collected atGuest = new Collected("a.port", 1, 1);
        List<Collected.Message> toHost = messages(random);
        List<Collected.Message> toGuest = messages(random);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(atHost));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            Port port = get(guest.open("a.port", 2, 9, atGuest::opened));
            assertThat(port.version()).isEqualTo(3);
            assertThat(atHost.port().version()).isEqualTo(3);
            FutureTask<Void> fromHost = Threads.start(() -> sendAll(atHost.port(), toGuest));
            sendAll(port, toHost);
            Threads.join(fromHost, 30);
            Threads.await("all messages", 30, () -> atHost.count() == toHost.size());
            Threads.await("all messages", 30, () -> atGuest.count() == toGuest.size());
            assertThat(atHost.messages()).isEqualTo(toHost);
            assertThat(atGuest.messages()).isEqualTo(toGuest);
            assertThat(host.counters().refusals() + guest.counters().refusals()).isZero();
            assertThat(host.counters().bytesIn()).isEqualTo(guest.counters().bytesOut());
            guest.close();
            assertThat(get(host.ended()).reason()).isEqualTo(Reason.PEER_GONE);
            assertThat(get(guest.ended()).reason()).isEqualTo(Reason.CLOSED);
        }
        assertThat(atHost.timesClosed()).isEqualTo(1);
        assertThat(atGuest.timesClosed()).isEqualTo(1);
    }

    private static List<Collected.Message> messages(SplittableRandom random) {
        List<Collected.Message> messages = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            int length = i % 50 == 0 ? LIMITS.bodyBytes() : random.nextInt(random.nextBoolean() ? 8 : 3000);
            byte[] body = new byte[length];
            random.nextBytes(body);
            messages.add(Collected.Message.of(random.nextInt(900), body));
        }
        return messages;
    }

    private static Void sendAll(Port port, List<Collected.Message> messages) throws InterruptedException {
        for (Collected.Message message : messages) {
            ByteBuffer body = ByteBuffer.allocate(message.body().size());
            message.body().forEach(body::put);
            assertThat(port.send(message.type(), body.flip(), LONG)).isEqualTo(SendOutcome.SENT);
        }
        return null;
    }

    @Test
    void open_ofWhatTheHostDoesNotOffer_failsWithTheReason() throws Exception {
        PipeKind.Ends ends = PipeKind.RING.connect();
        Collected service = new Collected("a.port", 2, 3);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(service));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            assertRefused(guest, "b.port", 2, 3, "NO_SUCH_SERVICE");
            assertRefused(guest, "a.port", 1, 1, "NO_COMMON_VERSION");
            assertRefused(guest, "a.port", 4, 9, "NO_COMMON_VERSION");
            Port port = get(guest.open("a.port", 1, 2, new Collected("a.port", 1, 1)::opened));
            assertThat(port.version()).isEqualTo(2);
            assertRefused(guest, "a.port", 2, 3, "ALREADY_OPEN");
            assertThat(host.counters().refusals()).isEqualTo(4);
            assertThatThrownBy(() -> guest.open("no name", 1, 1, p -> service))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static void assertRefused(GuestChannel guest, String name, int lowest, int highest, String reason) {
        CompletableFuture<Port> opened = guest.open(name, lowest, highest, new Collected(name, 1, 1)::opened);
        assertThatThrownBy(() -> get(opened))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(ChannelClosedException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void port_closedByEitherEnd_isClosedAtBoth_andCanBeOpenedAgain() throws Exception {
        PipeKind.Ends ends = PipeKind.RING.connect();
        Collected atHost = new Collected("a.port", 1, 1);
        Collected atGuest = new Collected("a.port", 1, 1);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(atHost));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            for (int round = 1; round <= 20; round++) {
                int times = round;
                Port port = get(guest.open("a.port", 1, 1, atGuest::opened));
                Port closing = round % 2 == 0 ? port : atHost.port();
                closing.close();
                closing.close();
                Threads.await("closed at the host", 20, () -> atHost.timesClosed() == times);
                Threads.await("closed at the guest", 20, () -> atGuest.timesClosed() == times);
                assertThat(port.send(1, ByteBuffer.allocate(1))).isEqualTo(SendOutcome.CLOSED);
            }
            assertThat(host.counters().refusals() + guest.counters().refusals()).isZero();
        }
    }

    @Test
    void messagesUnderWay_whenTheHostClosesThePort_areDropped_notRefused() throws Exception {
        PipeKind.Ends ends = PipeKind.RING.connect();
        CountDownLatch gate = new CountDownLatch(1);
        Collected atHost = new Collected("a.port", 1, 1, gate);
        Collected atGuest = new Collected("a.port", 1, 1);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(atHost));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            Port port = get(guest.open("a.port", 1, 1, atGuest::opened));
            for (int i = 0; i < 100; i++) {
                port.send(1, ByteBuffer.allocate(10), LONG);
            }
            atHost.port().close();
            gate.countDown();
            Threads.await("closed at both", 20, () -> atHost.timesClosed() == 1 && atGuest.timesClosed() == 1);
            assertThat(atHost.count()).isLessThanOrEqualTo(1);
            assertThat(host.counters().refusals()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void guestThatFloodsASlowHost_isHeldBack_andLosesNothing(PipeKind kind) throws Exception {
        PipeKind.Ends ends = kind.connect();
        CountDownLatch gate = new CountDownLatch(1);
        Collected slow = new Collected("a.port", 1, 1, gate);
        int bodyBytes = 1000;
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(slow));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            Port port = get(guest.open("a.port", 1, 1, new Collected("a.port", 1, 1)::opened));
            int sent = 0;
            SendOutcome last = SendOutcome.SENT;
            while (last == SendOutcome.SENT) {
                last = port.send(sent % 900, ByteBuffer.allocate(bodyBytes), Duration.ofMillis(300));
                sent += last == SendOutcome.SENT ? 1 : 0;
                // The kernel's buffers come on top of the host's and the guest's own; all of it is far below this.
                assertThat((long) sent * bodyBytes).as("bytes taken").isLessThan(4 << 20);
            }
            assertThat(last).isEqualTo(SendOutcome.FULL);
            assertThat(guest.mostWaitingBytes()).isLessThanOrEqualTo(LIMITS.outboundBytes());
            assertThat(host.counters().bytesIn()).as("read by the host").isLessThan(1 << 20);
            assertThat(slow.count()).isZero();
            gate.countDown();
            int all = sent;
            Threads.await("everything that was taken", 30, () -> slow.count() == all);
        }
    }

    @Test
    void hostWithAGuestThatDoesNotRead_neverWaits_andKeepsABoundedNumberOfBytes() throws Exception {
        PipeKind.Ends ends = PipeKind.ring(1 << 12);
        Collected atHost = new Collected("a.port", 1, 1);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(atHost));
                RawGuest guest = new RawGuest(ends.guest())) {
            guest.open(1, 1, "a.port");
            int sent = 0;
            while (atHost.port().send(1, ByteBuffer.allocate(1000)) == SendOutcome.SENT) {
                sent++;
                assertThat(sent).isLessThan(2000);
            }
            assertThat(host.mostWaitingBytes()).isLessThanOrEqualTo(LIMITS.outboundBytes());
            // The other direction is not held up.
            for (int i = 0; i < 100; i++) {
                guest.sendMessage(1, 1, new byte[1000]);
            }
            Threads.await("messages to the host", 30, () -> atHost.count() == 100);
        }
    }

    @Test
    void handlerThatFails_endsItsOwnChannelOnly() throws Exception {
        PipeKind.Ends ends = PipeKind.RING.connect();
        PipeKind.Ends others = PipeKind.RING.connect();
        Collected service = new Collected("a.port", 1, 1);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(service));
                HostChannel other = HostChannel.open(others.host(), LIMITS, List.of(service));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS);
                GuestChannel otherGuest = GuestChannel.open(others.guest(), LIMITS)) {
            Port port = get(guest.open("a.port", 1, 1, new Collected("a.port", 1, 1)::opened));
            Port otherPort = get(otherGuest.open("a.port", 1, 1, new Collected("a.port", 1, 1)::opened));
            port.send(Collected.FAILING_TYPE, ByteBuffer.allocate(0));
            ChannelEnd end = get(host.ended());
            assertThat(end.reason()).isEqualTo(Reason.HANDLER_FAILED);
            assertThat(end.text()).contains("a broken handler");
            assertThat(get(guest.ended()).reason()).isEqualTo(Reason.PEER_GONE);
            otherPort.send(7, ByteBuffer.allocate(0));
            Threads.await("a message on the other channel", 20, () -> service.count() == 1);
            assertThat(other.ended()).isNotDone();
        }
    }

    @Test
    void handlerThatWaitsForItsOwnChannel_isToldSo() throws Exception {
        PipeKind.Ends ends = PipeKind.RING.connect();
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(new Collected("a.port", 1, 1)));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            get(guest.open("a.port", 1, 1, port -> {
                try {
                    port.send(1, ByteBuffer.allocate(1), LONG);
                } catch (IllegalStateException | InterruptedException e) {
                    thrown.complete(e);
                }
                return new Collected("a.port", 1, 1);
            }));
            assertThat(get(thrown)).isInstanceOf(IllegalStateException.class);
            assertThat(host.ended()).isNotDone();
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingTheHost_endsWhoeverWaits(PipeKind kind) throws Exception {
        PipeKind.Ends ends = kind.connect();
        CountDownLatch gate = new CountDownLatch(1);
        Collected slow = new Collected("a.port", 1, 1, gate);
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS, List.of(slow));
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            Port port = get(guest.open("a.port", 1, 1, new Collected("a.port", 1, 1)::opened));
            FutureTask<SendOutcome> sender = Threads.start(() -> {
                SendOutcome outcome;
                do {
                    outcome = port.send(1, ByteBuffer.allocate(10_000), LONG);
                } while (outcome == SendOutcome.SENT);
                return outcome;
            });
            Threads.await("a guest that waits", 30, () -> guest.mostWaitingBytes() > LIMITS.outboundBytes() - 10_016);
            gate.countDown();
            host.close();
            assertThat(Threads.join(sender, 30)).isEqualTo(SendOutcome.CLOSED);
            assertThat(get(guest.ended()).reason()).isEqualTo(Reason.PEER_GONE);
            CompletableFuture<Port> late = guest.open("a.port", 1, 1, slow::opened);
            assertThatThrownBy(() -> get(late)).hasCauseInstanceOf(ChannelClosedException.class);
        }
    }

    @Test
    void portsBeyondTheLimit_areRefused() throws IOException {
        PipeKind.Ends ends = PipeKind.RING.connect();
        List<PortService> services =
                List.of(new Collected("a", 1, 1), new Collected("b", 1, 1), new Collected("c", 1, 1));
        try (HostChannel host = HostChannel.open(ends.host(), LIMITS.withPorts(2), services);
                GuestChannel guest = GuestChannel.open(ends.guest(), LIMITS)) {
            guest.open("a", 1, 1, new Collected("a", 1, 1)::opened);
            guest.open("b", 1, 1, new Collected("b", 1, 1)::opened);
            assertRefused(guest, "c", 1, 1, "TOO_MANY_PORTS");
            assertThat(host.counters().refusals(ChannelRefusal.TOO_MANY_PORTS)).isEqualTo(1);
        }
    }
}
