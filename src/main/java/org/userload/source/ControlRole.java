package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;

/** The handover and the end of a session, on the control loop. */
final class ControlRole implements ConnectionRole {
    private final SourceSession session;
    private final SessionEnd end;
    private final ServerListener listener;

    ControlRole(SourceSession session, SessionEnd end, ServerListener listener) {
        this.session = session;
        this.end = end;
        this.listener = listener;
    }

    @Override
    public void begin(ChannelHandlerContext opened) {
        // The destination speaks next.
    }

    @Override
    public void frame(FrameHeader header, ByteBuf body) {
        switch (header.type()) {
            case READY -> {
                require(session.isPrepared(), header);
                listener.ready(session);
            }
            case STARTED -> {
                require(session.isCommitted(), header);
                session.guestStarted();
                listener.started(session, header.firstPage());
            }
            case COMPLETE -> {
                require(session.isReleased(), header);
                session.markComplete();
                listener.completed(session);
                end.connectionLost(session, "control", null);
            }
            case ABORT -> throw new PeerEndedException(Frames.text(body));
            case ERROR -> throw new PeerEndedException(Frames.errorText(body));
            default -> throw new ProtocolException(header.type() + " frame on a control connection");
        }
    }

    private static void require(boolean inOrder, FrameHeader header) {
        if (!inOrder) {
            throw new ProtocolException(header.type() + " frame before its time");
        }
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        end.connectionLost(session, "control", cause);
    }
}
