package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.Hello;
import org.userload.protocol.ProtocolException;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.FrameChannel;

/**
 * A connection from the destination to the source: says hello, then carries the frames of one role. Runs on its loop.
 */
abstract class ClientConnection extends FrameChannel {
    private final Role role;
    private final SessionId session;
    private final CompletableFuture<Hello> answer = new CompletableFuture<>();
    private final WireBytes wire;
    private long features;

    ClientConnection(Role role, SessionId session, int receiveBytes, WireBytes wire) {
        super(PageSize.DEFAULT.bytes(), receiveBytes);
        this.role = role;
        this.session = session;
        this.wire = wire;
    }

    /** Waits for the source's hello; not on a loop. */
    Hello awaitAnswer(String peer, Duration longest) {
        try {
            return answer.get(longest.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new SourceLostException(peer + " refused the session: " + cause.getMessage(), cause);
        } catch (TimeoutException e) {
            throw new SourceLostException(
                    peer + " did not answer the hello within " + longest.toMillis() + " ms; is it a Userload source?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SourceLostException("interrupted while connecting to " + peer, e);
        }
    }

    @Override
    protected final void opened(ChannelHandlerContext opened) {
        ByteBuf hello = opened.alloc().buffer();
        Hello.ask(role, session, offeredFeatures()).encode(hello);
        wire.add(hello.readableBytes());
        opened.writeAndFlush(hello, opened.voidPromise());
    }

    @Override
    public final void frame(FrameHeader header, ByteBuf body) {
        wire.add(FrameLayout.HEADER_BYTES + header.bodyLength());
        if (header.type() == FrameType.ERROR) {
            throw new PeerErrorException(Frames.errorText(body));
        }
        if (answer.isDone()) {
            receive(header, body);
        } else if (header.type() == FrameType.HELLO) {
            greeted(Hello.decode(body));
        } else {
            throw new ProtocolException(header.type() + " frame instead of a hello");
        }
    }

    private void greeted(Hello hello) {
        if (hello.role() != role || hello.regions() == null) {
            throw new ProtocolException("hello for role " + hello.role() + " as answer to role " + role);
        }
        if (!hello.pageSize().equals(PageSize.DEFAULT)) {
            throw new ProtocolException(
                    "hello with pages of " + hello.pageSize().bytes() + " bytes, not " + PageSize.DEFAULT.bytes());
        }
        if (!session.equals(SessionId.NONE) && !session.equals(hello.session())) {
            throw new ProtocolException("hello for session " + hello.session() + ", not " + session);
        }
        features = hello.features();
        answer.complete(hello);
    }

    @Override
    public void pages(FrameHeader header) {
        throw new ProtocolException(header.type() + " frame on a " + role + " connection");
    }

    @Override
    public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
        throw new ProtocolException("page content on a " + role + " connection");
    }

    @Override
    public void encoded(FrameHeader header, ByteBuf bytes) {
        throw new ProtocolException("page content on a " + role + " connection");
    }

    /** Feature bits of this side's hello. */
    long offeredFeatures() {
        return Feature.ALL & ~Feature.bits(Feature.BLOCKS);
    }

    /** Feature bits of the source's answer. Connection's loop. */
    long features() {
        return features;
    }

    /** Checks a FREE frame: that there may be any, 1 to {@code most} known pages, and a body of one word. */
    final void requireFree(FrameHeader header, RegionTable table, int most) {
        if (!Feature.FREE.in(features)) {
            throw new ProtocolException(header.type() + " frame, which was not agreed on");
        }
        header.checkFree(table, most);
    }

    /** A frame after the hello, other than page content. */
    abstract void receive(FrameHeader header, ByteBuf body);

    /** The connection is gone before its session was over. */
    abstract void lost(@Nullable Throwable cause);

    WireBytes wire() {
        return wire;
    }

    @Override
    protected final void closed(@Nullable Throwable cause) {
        if (!answer.isDone()) {
            answer.completeExceptionally(withoutAnswer(cause));
        }
        lost(cause);
    }

    private static Throwable withoutAnswer(@Nullable Throwable cause) {
        if (cause == null) {
            return new ProtocolException("it closed the connection without an answer");
        }
        return cause instanceof ProtocolException
                ? new ProtocolException("it does not speak the Userload protocol: " + cause.getMessage())
                : cause;
    }

    /** Closes the connection, after telling the source the reason when there is one. Any thread. */
    final void giveUp(@Nullable Throwable reason) {
        if (!isOpen()) {
            return;
        }
        ChannelHandlerContext to = context();
        if (reason == null) {
            to.close();
        } else {
            ByteBuf last = to.alloc().buffer();
            Frames.writeError(last, ErrorCode.DESTINATION_FAILED, String.valueOf(reason.getMessage()));
            closeAfter(to, last);
        }
    }

    /** The source said why it ends the session. */
    static final class PeerErrorException extends RuntimeException {
        private static final long serialVersionUID = 1;

        PeerErrorException(String message) {
            super(message);
        }
    }
}
