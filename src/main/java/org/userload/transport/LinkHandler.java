package org.userload.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.PendingWriteQueue;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends what a connection writes when an emulated link would have delivered it: in order, each buffer as a whole when its
 * last byte would be there.
 *
 * <p>What is held counts as the channel's outbound bytes, so a full link makes the channel unwritable at the same water
 * mark as a full socket. Closing hands everything held to the socket at once, as the kernel sends what a closed socket
 * still has: a last frame is never lost to the delay. Written is flushed; a flush by itself does nothing.
 *
 * <p>A loop's timer comes some tens of microseconds late, as long as a page takes at 1 Gbit/s. So it is set that much
 * early (see {@link TimerLead}), and if it does come early the loop waits for the rest, which keeps its other connections
 * waiting for at most {@value TimerLead#MOST_NANOS} ns. Nothing is sent before its time.
 *
 * <p>Connection's event loop only. Not for the moment in which a connection changes its loop while something is held.
 */
final class LinkHandler extends ChannelDuplexHandler {
    private final OutboundLink link;
    private final Runnable deliver = this::deliver;
    private final LongRing dueNanos = new LongRing();
    private final TimerLead lead = new TimerLead();

    /** When the timer should come; meaningless unless {@link #timed}. */
    private long timerNanos;

    /** Whether a timer was set; otherwise the loop was asked to come at once. */
    private boolean timed;

    private @Nullable ChannelHandlerContext context;
    private @Nullable PendingWriteQueue held;

    LinkHandler(OutboundLink link) {
        this.link = link;
    }

    /** What bytes that are written now take to the peer and back. */
    long delayNanos() {
        return link.delayNanos();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void write(ChannelHandlerContext from, Object message, ChannelPromise promise) {
        if (!from.channel().isActive()) {
            from.write(message, promise);
            return;
        }
        PendingWriteQueue queue = held;
        if (queue == null) {
            queue = new PendingWriteQueue(from);
            held = queue;
        }
        boolean first = queue.isEmpty();
        long due = link.claim(((ByteBuf) message).readableBytes());
        dueNanos.add(due);
        queue.add(message, promise);
        if (first) {
            deliverAt(from, due);
        }
    }

    @Override
    public void flush(ChannelHandlerContext ignored) {
        // What is due is flushed when it is written.
    }

    private void deliverAt(ChannelHandlerContext to, long due) {
        timerNanos = due - lead.nanos();
        long wait = timerNanos - link.nanoTime();
        timed = wait > 0;
        to.executor().schedule(deliver, Math.max(0, wait), TimeUnit.NANOSECONDS);
    }

    /** Sends what is due; comes again for what is not. */
    private void deliver() {
        ChannelHandlerContext to = context;
        PendingWriteQueue queue = held;
        if (to == null || queue == null || queue.isEmpty()) {
            return;
        }
        long now = onTime(dueNanos.first());
        while (!queue.isEmpty() && dueNanos.first() - now <= 0) {
            dueNanos.removeFirst();
            queue.removeAndWrite();
        }
        to.flush();
        if (!queue.isEmpty()) {
            deliverAt(to, dueNanos.first());
        }
    }

    /** Waits for what the timer was set too early; returns the time. */
    private long onTime(long due) {
        long now = link.nanoTime();
        if (timed) {
            lead.late(now - timerNanos);
        }
        long early = due - now;
        while (early > 0 && early <= TimerLead.MOST_NANOS && due - now > 0) {
            Thread.onSpinWait();
            now = link.nanoTime();
        }
        return now;
    }

    @Override
    public void close(ChannelHandlerContext closing, ChannelPromise promise) {
        PendingWriteQueue queue = held;
        if (queue != null) {
            dueNanos.clear();
            while (!queue.isEmpty()) {
                queue.removeAndWrite();
            }
            closing.flush();
        }
        closing.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext gone) {
        discard();
        gone.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext removed) {
        discard();
    }

    private void discard() {
        PendingWriteQueue queue = held;
        if (queue != null) {
            dueNanos.clear();
            queue.removeAndFailAll(new ClosedChannelException());
        }
    }
}
