package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.IoEventLoop;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class PathDelayTest {
    private static final Endpoint LOOPBACK = new Endpoint.Tcp("127.0.0.1", 0);

    @TempDir
    Path directory;

    private final EventLoops loops = new EventLoops();
    private final IoEventLoop loop = loops.start("path-delay-test");

    @AfterEach
    void loopsEnd() {
        loops.close();
    }

    private long delay(Endpoint at, @Nullable OutboundLink link, ToLongFunction<Channel> delay) throws Exception {
        Channel server = Sockets.listen(at, loop, ChannelInboundHandlerAdapter::new);
        Channel client =
                Sockets.connect(Endpoint.of(server.localAddress(), at), loop, new ChannelInboundHandlerAdapter(), link);
        try {
            return loop.submit(() -> delay.applyAsLong(client)).get(10, TimeUnit.SECONDS);
        } finally {
            client.close().syncUninterruptibly();
            server.close().syncUninterruptibly();
        }
    }

    @Test
    void withinAHost_thereIsNoWay() throws Exception {
        assertThat(delay(LOOPBACK, null, channel -> new PathDelay(channel).nanos()))
                .isZero();
        Endpoint unix = new Endpoint.Unix(directory.resolve("socket"));
        assertThat(delay(unix, null, channel -> new PathDelay(channel).nanos())).isZero();
    }

    @Test
    void toAnotherHost_theKernelTellsItsRoundTrip() throws Exception {
        assertThat(EventLoops.isEpoll()).isTrue();
        long nanos = delay(LOOPBACK, null, channel -> new PathDelay(channel, false).nanos());
        assertThat(nanos).isBetween(1_000L, TimeUnit.SECONDS.toNanos(10));
    }

    @Test
    void connectionThatWasClosed_isUnknown() throws Exception {
        long nanos = delay(LOOPBACK, null, channel -> {
            PathDelay path = new PathDelay(channel, false);
            channel.close();
            return path.nanos();
        });
        assertThat(nanos).isEqualTo(PathDelay.UNKNOWN);
    }

    @Test
    void emulatedLink_isItsRoundTripAndWhatItHolds() throws Exception {
        Link slow = new Link(1_000_000, Duration.ofMillis(10));
        long empty = delay(LOOPBACK, new OutboundLink(slow), channel -> new PathDelay(channel).nanos());
        assertThat(empty).isEqualTo(TimeUnit.MILLISECONDS.toNanos(10));
        long within = delay(LOOPBACK, new OutboundLink(slow), channel -> new PathDelay(channel).isWithinHost() ? 1 : 0);
        assertThat(within).isZero();
        long full = delay(LOOPBACK, new OutboundLink(slow), channel -> {
            channel.writeAndFlush(Unpooled.buffer(100_000_000).writeZero(100_000_000));
            return new PathDelay(channel).nanos();
        });
        assertThat(full).isGreaterThan(TimeUnit.SECONDS.toNanos(1));
    }
}
