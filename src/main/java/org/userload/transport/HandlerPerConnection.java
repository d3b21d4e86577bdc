package org.userload.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Gives each connection a handler of its own, and a place on the emulated link when there is one. */
@ChannelHandler.Sharable
final class HandlerPerConnection extends ChannelInitializer<Channel> {
    private final Supplier<ChannelHandler> handlers;
    private final @Nullable OutboundLink link;

    HandlerPerConnection(Supplier<ChannelHandler> handlers, @Nullable OutboundLink link) {
        this.handlers = handlers;
        this.link = link;
    }

    @Override
    protected void initChannel(Channel channel) {
        if (link != null) {
            channel.pipeline().addLast(new LinkHandler(link));
        }
        channel.pipeline().addLast(handlers.get());
    }
}
