package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The emulated link by a clock that the test turns. */
@Timeout(30)
class LinkHandlerTest {
    /** A payload byte takes 1 us, and so does one of a header. */
    private static final Link SLOW = new Link(1_000_000, Duration.ofMillis(10));

    private static final int HALF_ROUND_TRIP_US = 5_000;

    private final MockTicker clock = Ticker.newMockTicker();
    private final OutboundLink link = new OutboundLink(SLOW, clock::nanoTime);
    private final List<EmbeddedChannel> channels = new ArrayList<>();

    private EmbeddedChannel connection() {
        EmbeddedChannel channel = EmbeddedChannel.builder()
                .ticker(clock)
                .handlers(new LinkHandler(link))
                .build();
        channels.add(channel);
        return channel;
    }

    @AfterEach
    void everyBufferIsReleased() {
        channels.forEach(EmbeddedChannel::finishAndReleaseAll);
    }

    private void passMicros(long micros) {
        clock.advance(micros, TimeUnit.MICROSECONDS);
        channels.forEach(EmbeddedChannel::runScheduledPendingTasks);
    }

    private static ByteBuf bytes(int count) {
        return Unpooled.buffer(count).writeZero(count);
    }

    /** What a single segment with this payload takes on {@link #SLOW}. */
    private static long micros(int payload) {
        return (long) payload + OutboundLink.HEADER_BYTES;
    }

    private static int delivered(EmbeddedChannel channel) {
        int bytes = 0;
        for (ByteBuf next = channel.readOutbound(); next != null; next = channel.readOutbound()) {
            bytes += next.readableBytes();
            next.release();
        }
        return bytes;
    }

    @Test
    void bytes_arriveWhenTheyAreThroughTheLink_plusHalfTheRoundTrip_notBefore() {
        EmbeddedChannel channel = connection();
        channel.writeAndFlush(bytes(100));
        passMicros(HALF_ROUND_TRIP_US + micros(100) - 1);
        assertThat(delivered(channel)).isZero();
        passMicros(1);
        assertThat(delivered(channel)).isEqualTo(100);
    }

    @Test
    void bytesOfTwoConnections_shareOneRate_inTheOrderInWhichTheyWereWritten() {
        EmbeddedChannel bulk = connection();
        EmbeddedChannel urgent = connection();
        bulk.writeAndFlush(bytes(1000));
        urgent.writeAndFlush(bytes(10));
        bulk.writeAndFlush(bytes(1000));
        passMicros(HALF_ROUND_TRIP_US + micros(1000));
        assertThat(delivered(bulk)).isEqualTo(1000);
        passMicros(micros(10) - 1);
        assertThat(delivered(urgent))
                .as("behind what the other connection wrote before")
                .isZero();
        passMicros(1);
        assertThat(delivered(urgent)).isEqualTo(10);
        passMicros(micros(1000) - 1);
        assertThat(delivered(bulk)).isZero();
        passMicros(1);
        assertThat(delivered(bulk)).isEqualTo(1000);
    }

    @Test
    void longWrite_countsTheHeadersOfEachSegment() {
        EmbeddedChannel channel = connection();
        int payload = 2 * OutboundLink.SEGMENT_BYTES + 1;
        channel.writeAndFlush(bytes(payload));
        passMicros(HALF_ROUND_TRIP_US + payload + 3 * OutboundLink.HEADER_BYTES - 1);
        assertThat(delivered(channel)).isZero();
        passMicros(1);
        assertThat(delivered(channel)).isEqualTo(payload);
    }

    @Test
    void lateWakeUp_losesNoRate() {
        EmbeddedChannel channel = connection();
        for (int i = 0; i < 200; i++) {
            channel.writeAndFlush(bytes(100));
        }
        passMicros(HALF_ROUND_TRIP_US + 100 * micros(100));
        assertThat(delivered(channel)).isEqualTo(100 * 100);
        channel.writeAndFlush(bytes(1));
        passMicros(100 * micros(100) + micros(1));
        assertThat(delivered(channel)).isEqualTo(100 * 100 + 1);
    }

    @Test
    void timerThatComesLate_isSetEarlier_andStillNothingIsSentBeforeItsTime() {
        EmbeddedChannel channel = EmbeddedChannel.builder()
                .ticker(clock)
                .handlers(new LinkHandler(new OutboundLink(SLOW, this::timePassesWhileLookedAt)))
                .build();
        channels.add(channel);
        for (int i = 0; i < 100; i++) {
            channel.writeAndFlush(bytes(100));
            passMicros(HALF_ROUND_TRIP_US + micros(100) + 30);
            assertThat(delivered(channel)).isEqualTo(100);
        }
        long written = clock.nanoTime();
        channel.writeAndFlush(bytes(100));
        passMicros(HALF_ROUND_TRIP_US + micros(100) - 20);
        assertThat(delivered(channel)).as("the timer has come, 20 us early").isEqualTo(100);
        assertThat(clock.nanoTime() - written)
                .isGreaterThanOrEqualTo(TimeUnit.MICROSECONDS.toNanos(HALF_ROUND_TRIP_US + micros(100)))
                .isLessThan(TimeUnit.MICROSECONDS.toNanos(HALF_ROUND_TRIP_US + micros(100) + 1));
    }

    private long timePassesWhileLookedAt() {
        clock.advance(10, TimeUnit.NANOSECONDS);
        return clock.nanoTime();
    }

    @Test
    void idleLink_savesNothingUp() {
        EmbeddedChannel channel = connection();
        passMicros(1_000_000);
        channel.writeAndFlush(bytes(100));
        channel.writeAndFlush(bytes(100));
        passMicros(HALF_ROUND_TRIP_US + micros(100));
        assertThat(delivered(channel)).isEqualTo(100);
    }

    @Test
    void fullLink_makesTheConnectionUnwritable_untilItHasDrained() {
        EmbeddedChannel channel = connection();
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(2000, 4000));
        for (int i = 0; i < 5; i++) {
            channel.writeAndFlush(bytes(1000));
        }
        assertThat(channel.isWritable()).isFalse();
        passMicros(HALF_ROUND_TRIP_US + 2 * micros(1000));
        assertThat(channel.isWritable()).isFalse();
        passMicros(2 * micros(1000));
        assertThat(channel.isWritable()).isTrue();
        assertThat(delivered(channel)).isEqualTo(4000);
    }

    @Test
    void lastFrame_isSentBeforeTheClose_notLostToTheDelay() {
        EmbeddedChannel channel = connection();
        ChannelFuture first = channel.writeAndFlush(bytes(1000));
        ChannelFuture last = channel.writeAndFlush(bytes(10));
        assertThat(last.isDone()).isFalse();
        channel.close();
        channel.runPendingTasks();
        assertThat(first.isSuccess()).isTrue();
        assertThat(last.isSuccess()).isTrue();
        assertThat(delivered(channel)).isEqualTo(1010);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void brokenConnection_releasesWhatIsHeld_andFailsIt() {
        EmbeddedChannel channel = connection();
        ByteBuf buffer = bytes(1000);
        ChannelFuture held = channel.writeAndFlush(buffer);
        channel.unsafe().close(channel.voidPromise());
        channel.runPendingTasks();
        assertThat(held.isSuccess()).isFalse();
        assertThat(held.isDone()).isTrue();
        assertThat(buffer.refCnt()).isZero();
        ByteBuf late = bytes(1);
        assertThat(channel.write(late).isSuccess()).isFalse();
        assertThat(late.refCnt()).isZero();
    }

    @Test
    void manyBuffers_keepTheirOrder() {
        EmbeddedChannel channel = connection();
        int next = 0;
        int expected = 0;
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < 7 * round; i++) {
                channel.writeAndFlush(Unpooled.buffer(4).writeInt(next++));
            }
            passMicros(3L * round * micros(4));
            expected = assertInOrder(channel, expected);
        }
        passMicros(HALF_ROUND_TRIP_US + next * micros(4));
        assertThat(assertInOrder(channel, expected)).isEqualTo(next);
    }

    private static int assertInOrder(EmbeddedChannel channel, int first) {
        int expected = first;
        for (@Nullable ByteBuf got = channel.readOutbound(); got != null; got = channel.readOutbound()) {
            assertThat(got.readInt()).isEqualTo(expected++);
            got.release();
        }
        return expected;
    }
}
