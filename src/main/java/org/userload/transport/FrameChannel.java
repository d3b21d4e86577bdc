package org.userload.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameReader;
import org.userload.protocol.FrameSink;

/**
 * A connection that carries frames: reads them into a sink, and tells once when and why it ended.
 *
 * <p>Everything here runs on the connection's event loop. A sink that throws ends the connection with that error.
 */
public abstract class FrameChannel extends ChannelInboundHandlerAdapter implements FrameSink {
    private static final int LAST_FRAME_SECONDS = 5;

    private final int pageBytes;
    private final int receiveBytes;
    private @Nullable FrameReader reader;
    private @Nullable ReceiveBuffer receiveBuffer;
    private volatile @Nullable ChannelHandlerContext context;
    private @Nullable Throwable error;
    private boolean announced;
    private boolean ended;

    /**
     * @param pageBytes page size in bytes of the session
     * @param receiveBytes bytes received at a time, at most
     */
    protected FrameChannel(int pageBytes, int receiveBytes) {
        this.pageBytes = pageBytes;
        this.receiveBytes = receiveBytes;
    }

    /** The connection is there. */
    protected void opened(ChannelHandlerContext opened) {}

    /**
     * Where the next bytes should go.
     *
     * @return a buffer with room from its writer index on, retained, its reader index there, too; null for any
     */
    protected @Nullable ByteBuf receiveInto(FrameReader next) {
        return null;
    }

    /** The connection is gone; {@code cause} is null when the peer or this side closed it in order. Called once. */
    protected abstract void closed(@Nullable Throwable cause);

    /** Whether the connection is there. Any thread. */
    protected final boolean isOpen() {
        ChannelHandlerContext now = context;
        return now != null && now.channel().isActive();
    }

    /** The connection's context; only after {@link #opened}. */
    protected final ChannelHandlerContext context() {
        ChannelHandlerContext now = context;
        if (now == null) {
            throw new IllegalStateException("the connection is not open");
        }
        return now;
    }

    @Override
    public final void handlerAdded(ChannelHandlerContext added) {
        context = added;
        FrameReader mine = new FrameReader(pageBytes, this);
        reader = mine;
        ReceiveBuffer buffer = new ReceiveBuffer(receiveBytes, () -> receiveInto(mine));
        receiveBuffer = buffer;
        added.channel().config().setRecvByteBufAllocator(buffer);
        announce(added);
    }

    @Override
    public final void handlerRemoved(ChannelHandlerContext removed) {
        FrameReader mine = reader;
        reader = null;
        if (mine != null) {
            mine.close();
        }
        ReceiveBuffer buffer = receiveBuffer;
        if (buffer != null) {
            buffer.close();
        }
    }

    @Override
    public final void channelActive(ChannelHandlerContext active) {
        announce(active);
    }

    private void announce(ChannelHandlerContext active) {
        if (!announced && active.channel().isActive()) {
            announced = true;
            opened(active);
        }
    }

    @Override
    public final void channelRead(ChannelHandlerContext ignored, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        try {
            FrameReader mine = reader;
            if (mine != null && error == null) {
                mine.read(bytes);
            }
        } catch (RuntimeException e) {
            broken(e);
        } finally {
            bytes.release();
        }
    }

    /** What the peer sent cannot be read, or the sink threw. Ends the connection. */
    protected void broken(RuntimeException cause) {
        fail(cause);
    }

    /** Ends the connection because of an error on this side. Nothing that comes after this is read. */
    protected final void fail(Throwable cause) {
        if (error == null) {
            error = cause;
        }
        context().close();
    }

    /** As {@link #fail(Throwable)}, after a last frame, which the peer gets unless it has stopped reading. */
    protected final void fail(Throwable cause, ByteBuf last) {
        if (error != null) {
            last.release();
            return;
        }
        error = cause;
        closeAfter(context(), last);
    }

    /** Sends a last frame and closes, also when the peer does not take it. Any thread. */
    public static void closeAfter(ChannelHandlerContext to, ByteBuf last) {
        to.writeAndFlush(last).addListener(sent -> to.close());
        to.executor().schedule(() -> to.close(), LAST_FRAME_SECONDS, TimeUnit.SECONDS);
    }

    /** Everything that had arrived has been read: send what was gathered. */
    protected void readComplete() {}

    /** The outgoing queue has room again, or has none. */
    protected void writabilityChanged() {}

    @Override
    public final void channelReadComplete(ChannelHandlerContext ignored) {
        if (error == null) {
            readComplete();
        }
    }

    @Override
    public final void channelWritabilityChanged(ChannelHandlerContext ignored) {
        if (error == null) {
            writabilityChanged();
        }
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext caught, Throwable cause) {
        fail(cause);
    }

    @Override
    public final void channelInactive(ChannelHandlerContext inactive) {
        if (!ended) {
            ended = true;
            closed(error);
        }
    }
}
