package org.userload.transport;

import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How long bytes that a connection sends now take to the peer's machine and back, as the transport sees it: with the queues
 * in front of them on the way, but without a thread that is late at either end.
 *
 * <p>On an emulated link, what the link holds and its round trip; on TCP, the kernel's smoothed round trip ({@code
 * tcpi_rtt} of {@code TCP_INFO}, tcp(7)), which the peer's kernel answers for whoever is to read; on Unix domain sockets and
 * TCP to the same host nothing, since nothing queues between the sockets (and the loopback interface's segments are so long that the
 * kernel waits for the reader before it answers). Where epoll is missing, TCP to another host does not tell.
 *
 * <p>Connection's event loop only; allocates nothing after it was made.
 */
public final class PathDelay {
    /** The transport does not tell. */
    public static final long UNKNOWN = -1;

    private final Channel channel;
    private final @Nullable LinkHandler link;
    private final boolean staysOnHost;
    private final EpollTcpInfo info = new EpollTcpInfo();

    /** Of an open connection, whose emulated link, if any, is in place. */
    public PathDelay(Channel channel) {
        this(channel, staysOnHost(channel));
    }

    PathDelay(Channel channel, boolean staysOnHost) {
        this.channel = channel;
        this.link = channel.pipeline().get(LinkHandler.class);
        this.staysOnHost = staysOnHost;
    }

    /** Whether nothing lies between the sockets, so that nothing can queue there. */
    public boolean isWithinHost() {
        return link == null && staysOnHost;
    }

    /** In nanoseconds, at least 0, or {@link #UNKNOWN}. */
    public long nanos() {
        if (link != null) {
            return link.delayNanos();
        }
        if (staysOnHost) {
            return 0;
        }
        return channel instanceof EpollSocketChannel tcp && tcp.isOpen()
                ? TimeUnit.MICROSECONDS.toNanos(tcp.tcpInfo(info).rtt())
                : UNKNOWN;
    }

    private static boolean staysOnHost(Channel channel) {
        return !(channel.remoteAddress() instanceof InetSocketAddress peer)
                || peer.getAddress().isLoopbackAddress()
                || (channel.localAddress() instanceof InetSocketAddress own
                        && own.getAddress().equals(peer.getAddress()));
    }
}
