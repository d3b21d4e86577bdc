package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;

/** The control connection: opens the session, carries the handover and the end. */
final class ControlConnection extends ClientConnection {
    private static final int RECEIVE_BYTES = 16 << 10;

    private final ControlListener listener;
    private final Consumer<@Nullable Throwable> onLost;

    ControlConnection(WireBytes wire, ControlListener listener, Consumer<@Nullable Throwable> onLost) {
        super(Role.CONTROL, SessionId.NONE, RECEIVE_BYTES, wire);
        this.listener = listener;
        this.onLost = onLost;
    }

    @Override
    void receive(FrameHeader header, ByteBuf body) {
        switch (header.type()) {
            case PREPARE -> listener.prepare(ByteBufUtil.getBytes(body), header.firstPage());
            case COMMIT -> listener.commit(header.firstPage(), Integer.toUnsignedLong(header.id()));
            case ABORT -> listener.aborted(Frames.text(body));
            default -> throw new ProtocolException(header.type() + " frame on a control connection");
        }
    }

    /** Any thread. */
    void send(FrameType type, long micros) {
        ChannelHandlerContext to = context();
        ByteBuf frame = to.alloc().directBuffer();
        Frames.writeSignal(frame, type, micros);
        wire().add(frame.readableBytes());
        to.writeAndFlush(frame, to.voidPromise());
    }

    /** Calls the handover off. Any thread. */
    void sendAbort(String why) {
        ChannelHandlerContext to = context();
        ByteBuf frame = to.alloc().directBuffer();
        Frames.writeBody(frame, FrameType.ABORT, 0, why.getBytes(StandardCharsets.UTF_8));
        wire().add(frame.readableBytes());
        to.writeAndFlush(frame, to.voidPromise());
    }

    /** Waits until the connection is closed; not on a loop. */
    void awaitClosed(int millis) {
        context().channel().closeFuture().awaitUninterruptibly(millis);
    }

    @Override
    void lost(@Nullable Throwable cause) {
        onLost.accept(cause);
    }
}
