package org.userload.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoEventLoop;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections and listeners with the options that paging wants: no Nagle delay, quick acknowledgements, keepalive.
 */
public final class Sockets {
    private static final int CONNECT_TIMEOUT_MILLIS = 5_000;

    /** Bytes queued in user space before a channel counts as not writable. */
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(1 << 20, 2 << 20);

    private Sockets() {}

    /**
     * Connects, on a loop, within 5 s.
     *
     * @throws IOException with a message that names the peer
     */
    public static Channel connect(Endpoint endpoint, IoEventLoop loop, ChannelHandler handler) throws IOException {
        return connect(endpoint, loop, handler, null);
    }

    /** As {@link #connect(Endpoint, IoEventLoop, ChannelHandler)}; what is sent goes over an emulated link, if any. */
    public static Channel connect(
            Endpoint endpoint, IoEventLoop loop, ChannelHandler handler, @Nullable OutboundLink link)
            throws IOException {
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channel(channelClass(endpoint))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .handler(new HandlerPerConnection(() -> handler, link));
        if (endpoint instanceof Endpoint.Tcp) {
            bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.SO_KEEPALIVE, true);
            if (EventLoops.isEpoll()) {
                bootstrap.option(EpollChannelOption.TCP_QUICKACK, true);
            }
        }
        ChannelFuture connected = bootstrap.connect(resolve(endpoint)).awaitUninterruptibly();
        if (!connected.isSuccess()) {
            throw new IOException(
                    "cannot connect to " + endpoint + ": " + reason(connected.cause()), connected.cause());
        }
        return connected.channel();
    }

    /**
     * Listens. Accepted connections start on the same loop.
     *
     * @throws IOException with a message that names the address, for example when it is in use
     */
    public static Channel listen(Endpoint endpoint, IoEventLoop loop, Supplier<ChannelHandler> handlers)
            throws IOException {
        return listen(endpoint, loop, handlers, null);
    }

    /** As {@link #listen(Endpoint, IoEventLoop, Supplier)}; what is sent goes over one emulated link, if any. */
    public static Channel listen(
            Endpoint endpoint, IoEventLoop loop, Supplier<ChannelHandler> handlers, @Nullable OutboundLink link)
            throws IOException {
        if (endpoint instanceof Endpoint.Unix unix) {
            DeadSocket.removeIfDead(unix.path());
        }
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop, loop)
                .channel(serverChannelClass(endpoint))
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childHandler(new HandlerPerConnection(handlers, link));
        if (endpoint instanceof Endpoint.Tcp) {
            bootstrap
                    .option(ChannelOption.SO_REUSEADDR, true)
                    .childOption(ChannelOption.TCP_NODELAY, true)
                    .childOption(ChannelOption.SO_KEEPALIVE, true);
            if (EventLoops.isEpoll()) {
                bootstrap.childOption(EpollChannelOption.TCP_QUICKACK, true);
            }
        }
        ChannelFuture bound = bootstrap.bind(resolve(endpoint)).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + endpoint + ": " + reason(bound.cause())
                            + "; choose another address with --listen, or port 0 for any free port",
                    bound.cause());
        }
        return bound.channel();
    }

    private static String reason(Throwable cause) {
        if (cause instanceof java.net.UnknownHostException
                || cause instanceof java.nio.channels.UnresolvedAddressException) {
            return "unknown host";
        }
        return withoutAddress(cause).replaceFirst("^.*\\(\\.\\.\\) failed(?: with error\\(-\\d+\\))?: ", "");
    }

    /** Netty appends the address to the message of the exception that it wraps; whoever calls has named it already. */
    private static String withoutAddress(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        Throwable wrapped = cause.getCause();
        return wrapped != null && message.startsWith(wrapped.getMessage() + ": ")
                ? String.valueOf(wrapped.getMessage())
                : message;
    }

    private static Class<? extends Channel> channelClass(Endpoint endpoint) {
        if (endpoint instanceof Endpoint.Tcp) {
            return EventLoops.isEpoll() ? EpollSocketChannel.class : NioSocketChannel.class;
        }
        return EventLoops.isEpoll() ? EpollDomainSocketChannel.class : NioDomainSocketChannel.class;
    }

    private static Class<? extends ServerChannel> serverChannelClass(Endpoint endpoint) {
        if (endpoint instanceof Endpoint.Tcp) {
            return EventLoops.isEpoll() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
        }
        return EventLoops.isEpoll() ? EpollServerDomainSocketChannel.class : NioServerDomainSocketChannel.class;
    }

    /** The socket address, with the host looked up; of the kind that the loops of this JVM take. */
    private static SocketAddress resolve(Endpoint endpoint) {
        if (endpoint instanceof Endpoint.Tcp tcp) {
            return new InetSocketAddress(tcp.host(), tcp.port());
        }
        Path path = ((Endpoint.Unix) endpoint).path();
        return EventLoops.isEpoll() ? new DomainSocketAddress(path.toFile()) : UnixDomainSocketAddress.of(path);
    }
}
