package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;

/** What a peer is told when its session ends: an ERROR frame with the code and text of a problem. */
final class Refusal {
    private Refusal() {}

    static ByteBuf frame(ByteBufAllocator allocator, Throwable problem) {
        ByteBuf frame = allocator.buffer();
        Frames.writeError(frame, codeOf(problem), String.valueOf(problem.getMessage()));
        return frame;
    }

    private static ErrorCode codeOf(Throwable problem) {
        if (problem instanceof RefusedException refused) {
            return refused.code();
        }
        return problem instanceof ProtocolException wrong ? wrong.code() : ErrorCode.SOURCE_FAILED;
    }
}
