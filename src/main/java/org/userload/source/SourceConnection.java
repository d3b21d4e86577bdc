package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.ProtocolException;
import org.userload.transport.FrameChannel;

/**
 * An accepted connection: waits for the hello, moves to the loop of its role, and lets the role go on from there.
 *
 * <p>A peer that breaks the protocol, asks for what cannot be given or stays silent gets an ERROR frame and loses its
 * own session, nothing else.
 */
final class SourceConnection extends FrameChannel {
    private static final int RECEIVE_BYTES = 16 << 10;

    private final PageServer server;
    /** What the connection is for, once its hello was accepted; it may be on its way to that role's loop. */
    private @Nullable ConnectionRole admitted;

    /** The same, once it is there. */
    private @Nullable ConnectionRole role;

    private boolean greeted;
    private @Nullable Future<?> helloTimeout;

    SourceConnection(PageServer server) {
        super(server.pageBytes(), RECEIVE_BYTES);
        this.server = server;
    }

    @Override
    protected void opened(ChannelHandlerContext opened) {
        helloTimeout = opened.executor()
                .schedule(
                        () -> refuse(new ProtocolException(
                                "no hello within " + server.helloTimeout().toMillis() + " ms")),
                        server.helloTimeout().toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    @Override
    public void frame(FrameHeader header, ByteBuf body) {
        ConnectionRole begun = role;
        if (begun != null) {
            guarded(() -> begun.frame(header, body));
        } else if (greeted) {
            throw new ProtocolException(header.type() + " frame before the answer to the hello");
        } else if (header.type() != FrameType.HELLO) {
            throw new ProtocolException("the peer does not speak the Userload protocol");
        } else {
            greeted = true;
            guarded(() -> greet(Hello.decode(body)));
        }
    }

    private void greet(Hello hello) {
        Future<?> timeout = helloTimeout;
        if (timeout != null) {
            timeout.cancel(false);
        }
        PageServer.Admission admission = server.admit(hello, context());
        admitted = admission.role();
        move(admission);
    }

    /** Goes to the role's loop; the peer sends nothing until it has the answer. */
    private void move(PageServer.Admission admission) {
        Channel channel = context().channel();
        if (admission.loop() == channel.eventLoop()) {
            begin(admission);
            return;
        }
        channel.config().setAutoRead(false);
        channel.deregister()
                .addListener(left -> admission.loop().register(channel).addListener(joined -> {
                    if (joined.isSuccess()) {
                        begin(admission);
                        channel.config().setAutoRead(true);
                    } else {
                        channel.close();
                    }
                }));
    }

    private void begin(PageServer.Admission admission) {
        ConnectionRole beginning = admission.role();
        role = beginning;
        ByteBuf answer = context().alloc().buffer();
        admission.answer().encode(answer);
        context().writeAndFlush(answer, context().voidPromise());
        beginning.begin(context());
        server.begun(admission);
    }

    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            refuse(e);
        }
    }

    @Override
    protected void broken(RuntimeException cause) {
        refuse(cause);
    }

    @Override
    public void pages(FrameHeader header) {
        throw new ProtocolException(header.type() + " frame sent to a source");
    }

    @Override
    public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
        throw new ProtocolException("page content sent to a source");
    }

    @Override
    public void encoded(FrameHeader header, ByteBuf bytes) {
        throw new ProtocolException("page content sent to a source");
    }

    @Override
    protected void readComplete() {
        ConnectionRole begun = role;
        if (begun != null) {
            guarded(begun::readComplete);
        }
    }

    @Override
    protected void writabilityChanged() {
        ConnectionRole begun = role;
        if (begun != null) {
            guarded(begun::writabilityChanged);
        }
    }

    /** Tells the peer why and ends the connection. */
    private void refuse(RuntimeException reason) {
        if (reason instanceof PeerEndedException) {
            fail(reason);
            return;
        }
        fail(reason, Refusal.frame(context().alloc(), reason));
    }

    @Override
    protected void closed(@Nullable Throwable cause) {
        ConnectionRole begun = admitted;
        if (begun != null) {
            begun.closed(cause);
        } else {
            server.strangerLeft(cause);
        }
    }
}
