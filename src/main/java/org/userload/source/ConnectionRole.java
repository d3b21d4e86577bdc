package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameHeader;

/** What a source does on a connection once its hello has said what it is for. Runs on that connection's loop. */
interface ConnectionRole {
    /** The connection is on its own loop and the answer to its hello is sent. */
    void begin(ChannelHandlerContext context);

    void frame(FrameHeader header, ByteBuf body);

    /** Everything that had arrived has been read. */
    default void readComplete() {}

    default void writabilityChanged() {}

    void closed(@Nullable Throwable cause);
}
