package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;

/** Tells a peer why its session ends. */
final class Refusal {
    private Refusal() {}

    /** Sends an ERROR frame with the code and text of a problem. */
    static ChannelFuture send(ChannelHandlerContext to, Throwable problem) {
        ByteBuf frame = to.alloc().buffer();
        Frames.writeError(frame, codeOf(problem), String.valueOf(problem.getMessage()));
        return to.writeAndFlush(frame);
    }

    private static ErrorCode codeOf(Throwable problem) {
        if (problem instanceof RefusedException refused) {
            return refused.code();
        }
        return problem instanceof ProtocolException ? ErrorCode.PROTOCOL : ErrorCode.SOURCE_FAILED;
    }
}
