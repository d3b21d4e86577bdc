package org.userload.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.channel.ChannelEnd.Reason;
import org.userload.support.RawGuest;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** A host whose guest sends what no guest should. */
@Timeout(120)
class HostChannelGarbageTest {
    private static final int RANDOM_FRAMES = 100_000;
    private static final ChannelLimits LIMITS = ChannelLimits.DEFAULT.withRefusals(20, 0);

    private final Collected service = new Collected("a.port", 1, 1);
    private final RingPipe.Pair pipes = RingPipe.pair(RingPipe.DEFAULT_BYTES);

    private HostChannel host() {
        return HostChannel.open(pipes.host(), LIMITS, List.of(service));
    }

    private static ChannelEnd end(HostChannel host) throws Exception {
        return host.ended().get(30, TimeUnit.SECONDS);
    }

    @Test
    void bytesThatAreNoFrame_endTheChannel() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.send(new byte[ChannelLayout.HEADER_BYTES]);
            assertThat(end(host).reason()).isEqualTo(Reason.BROKEN_FRAME);
            assertThat(host.counters().refusals(ChannelRefusal.NOT_A_FRAME)).isEqualTo(1);
        }
    }

    @Test
    void bodyAtTheLimit_isTaken() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            byte[] body = new byte[LIMITS.bodyBytes()];
            Arrays.fill(body, (byte) 5);
            guest.sendMessage(3, 1, body);
            Threads.await("the message", 20, () -> service.count() == 1);
            assertThat(service.messages()).containsExactly(Collected.Message.of(1, body));
            assertThat(host.counters().refusals()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {ChannelLayout.MAX_BODY_BYTES + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void bodyBeyondTheLimit_endsTheChannel_asSoonAsItsHeaderIsRead(int claimed) throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            guest.send(RawGuest.header(ChannelLayout.MESSAGE, 3, 1, claimed, 0).array());
            assertThat(end(host).reason()).isEqualTo(Reason.BROKEN_FRAME);
            assertThat(host.counters().refusals(ChannelRefusal.TOO_LONG)).isEqualTo(1);
            assertThat(service.count()).isZero();
            assertThat(service.timesClosed()).isEqualTo(1);
        }
    }

    @Test
    void frameThatIsCutOff_isNotDelivered() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            byte[] frame = RawGuest.frame(ChannelLayout.MESSAGE, 3, 1, new byte[100]);
            guest.send(Arrays.copyOf(frame, frame.length - 1));
            guest.close();
            assertThat(end(host).reason()).isEqualTo(Reason.PEER_GONE);
            assertThat(service.count()).isZero();
        }
    }

    @Test
    void frameThatComesByteByByte_isDelivered() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            for (byte b : RawGuest.frame(ChannelLayout.MESSAGE, 3, 9, new byte[] {1, 2, 3})) {
                guest.send(b);
            }
            Threads.await("the message", 20, () -> service.count() == 1);
            assertThat(service.messages()).containsExactly(Collected.Message.of(9, new byte[] {1, 2, 3}));
            assertThat(host.ended()).isNotDone();
        }
    }

    @Test
    void everyRefusal_isCountedByItsReason_andTheChannelGoesOn() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            guest.sendFrame(77, 3, 0);
            guest.sendFrame(ChannelLayout.OPENED, 3, 0, (byte) 0, (byte) 1);
            guest.sendFrame(ChannelLayout.OPEN, 4, 0, (byte) 0, (byte) 1, (byte) 0, (byte) 1);
            guest.send(RawGuest.openFrame(4, 2, 1, "a.port"));
            guest.send(RawGuest.openFrame(4, 0, 1, "a.port"));
            guest.send(RawGuest.openFrame(4, 1, 1, "a port"));
            guest.send(RawGuest.openFrame(4, 1, 1, "x".repeat(ChannelLayout.MAX_NAME_CHARS + 1)));
            guest.send(RawGuest.openFrame(3, 1, 1, "a.port"));
            guest.send(RawGuest.openFrame(4, 1, 1, "x".repeat(ChannelLayout.MAX_NAME_CHARS)));
            guest.sendMessage(9, 1);
            guest.sendFrame(ChannelLayout.CLOSE, 9, 0);
            guest.sendMessage(3, Collected.REFUSED_TYPE);
            guest.sendMessage(3, 5);
            Threads.await("the message behind them", 20, () -> service.count() == 1);
            ChannelCounters counters = host.counters();
            assertThat(counters.refusals(ChannelRefusal.UNKNOWN_KIND)).isEqualTo(2);
            assertThat(counters.refusals(ChannelRefusal.BAD_OPEN)).isEqualTo(5);
            assertThat(counters.refusals(ChannelRefusal.NUMBER_IN_USE)).isEqualTo(1);
            assertThat(counters.refusals(ChannelRefusal.NO_SUCH_SERVICE)).isEqualTo(1);
            assertThat(counters.refusals(ChannelRefusal.UNKNOWN_PORT)).isEqualTo(2);
            assertThat(counters.refusals(ChannelRefusal.UNKNOWN_TYPE)).isEqualTo(1);
            assertThat(counters.refusals()).isEqualTo(12);
            assertThat(host.ended()).isNotDone();
        }
    }

    @Test
    void guestThatSendsTooMuchThatIsRefused_losesItsChannel() throws Exception {
        try (HostChannel host = host();
                RawGuest guest = new RawGuest(pipes.guest())) {
            guest.open(3, 1, "a.port");
            for (int i = 0; i <= LIMITS.refusals(); i++) {
                guest.sendMessage(3, Collected.REFUSED_TYPE);
            }
            assertThat(end(host).reason()).isEqualTo(Reason.TOO_MANY_REFUSALS);
            assertThat(host.counters().refusals()).isEqualTo(LIMITS.refusals() + 1L);
        }
    }

    @Test
    void guestThatAsksAndDoesNotRead_losesItsChannel_andTheHostKeepsBoundedBytes() throws Exception {
        RingPipe.Pair small = RingPipe.pair(1 << 10);
        try (HostChannel host = HostChannel.open(small.host(), LIMITS, List.of(service));
                RawGuest guest = new RawGuest(small.guest())) {
            while (!host.ended().isDone()) {
                try {
                    guest.send(RawGuest.openFrame(1, 1, 1, "a.port"));
                    guest.sendFrame(ChannelLayout.CLOSE, 1, 0);
                } catch (IOException e) {
                    break;
                }
            }
            assertThat(end(host).reason()).isEqualTo(Reason.TOO_MANY_REFUSALS);
            assertThat(host.counters().refusals(ChannelRefusal.NO_ROOM_FOR_ANSWER))
                    .isPositive();
            assertThat(host.mostWaitingBytes()).isLessThan(LIMITS.outboundBytes() + (1 << 13));
        }
    }

    @Test
    void guestThatBreaksTheRingItself_losesItsChannel() throws Exception {
        for (long written : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, RingPipe.DEFAULT_BYTES + 1}) {
            RingPipe.Pair ring = RingPipe.pair(RingPipe.DEFAULT_BYTES);
            try (HostChannel host = HostChannel.open(ring.host(), LIMITS, List.of(service))) {
                ByteBuffer shared = ring.guest().outgoing().memory();
                shared.order(ByteOrder.LITTLE_ENDIAN).putLong(ByteRing.WRITTEN_OFFSET, written);
                ring.host().wake();
                ChannelEnd end = end(host);
                assertThat(end.reason()).isEqualTo(Reason.PEER_GONE);
                assertThat(end.text()).contains("broken the ring");
            }
        }
    }

    @Test
    void randomFrames_neverHurtTheHost() throws Exception {
        SplittableRandom random = Seeds.random("randomFrames_neverHurtTheHost");
        long sent = 0;
        int channels = 0;
        while (sent < RANDOM_FRAMES) {
            RingPipe.Pair ring = RingPipe.pair(1 << 16);
            ChannelLimits limits = ChannelLimits.DEFAULT.withRefusals(2000, 0);
            try (HostChannel host = HostChannel.open(
                            ring.host(), limits, List.of(service, new Collected("b", 1, 9), new Collected("c", 5, 6)));
                    RawGuest guest = new RawGuest(ring.guest())) {
                channels++;
                boolean open = true;
                while (open && sent < RANDOM_FRAMES) {
                    sent++;
                    open = sends(guest, randomFrame(random));
                }
                guest.close();
                assertThat(end(host).reason()).isIn(Reason.PEER_GONE, Reason.BROKEN_FRAME, Reason.TOO_MANY_REFUSALS);
                assertThat(host.mostWaitingBytes()).isLessThan(limits.outboundBytes() + (1 << 13));
            }
        }
        System.out.println("random frames: " + sent + " over " + channels + " channels");
        assertThat(channels).isGreaterThan(10);
    }

    private static boolean sends(RawGuest guest, byte[] bytes) {
        try {
            guest.send(bytes);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Mostly a frame by its header, so that what is behind the header is looked at too. */
    private static byte[] randomFrame(SplittableRandom random) {
        byte[] body = new byte[random.nextInt(100) == 0 ? random.nextInt(1 << 16) : random.nextInt(40)];
        random.nextBytes(body);
        if (random.nextInt(3) == 0) {
            return RawGuest.openFrame(
                    random.nextInt(4),
                    random.nextInt(4),
                    random.nextInt(10),
                    List.of("a.port", "b", "c", "").get(random.nextInt(4)));
        }
        byte[] frame = RawGuest.frame(random.nextInt(8), random.nextInt(4), random.nextInt(900), body);
        if (random.nextInt(2000) == 0) {
            frame[random.nextInt(frame.length)] = (byte) random.nextInt();
        }
        return frame;
    }
}
