package org.userload.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import java.util.function.Supplier;

/** Gives each accepted connection a handler of its own. */
@ChannelHandler.Sharable
final class HandlerPerConnection extends ChannelInitializer<Channel> {
    private final Supplier<ChannelHandler> handlers;

    HandlerPerConnection(Supplier<ChannelHandler> handlers) {
        this.handlers = handlers;
    }

    @Override
    protected void initChannel(Channel channel) {
        channel.pipeline().addLast(handlers.get());
    }
}
