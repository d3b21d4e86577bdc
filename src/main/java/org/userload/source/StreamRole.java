package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;

/**
 * Streams every page that was not asked for, on the stream loop.
 *
 * <p>How much is sent and not yet acknowledged is {@link StreamFlow}'s: never more than the destination has granted, and
 * no more than the link needs, since an urgent page waits behind all of it on a shared wire.
 */
final class StreamRole implements ConnectionRole {
    /** 16 MiB: as many zero pages go in one frame, and a source may have to look at each of them first. */
    private static final int LONGEST_RUN_PAGES = 4096;

    private final SourceSession session;
    private final SessionEnd end;
    private final RegionTable table;
    private final PageReplies replies;
    private final StreamOrder order;
    private @Nullable ChannelHandlerContext context;
    private final StreamFlow flow;
    private boolean done;
    private boolean sending;

    StreamRole(SourceSession session, SessionEnd end, @Nullable BandwidthCap cap) {
        this.session = session;
        this.end = end;
        this.table = session.source().regions();
        this.replies = new PageReplies(session.source());
        this.order = new SequentialOrder(session);
        this.flow = new StreamFlow(cap, this::send);
    }

    @Override
    public void begin(ChannelHandlerContext opened) {
        context = opened;
    }

    @Override
    public void frame(FrameHeader header, ByteBuf body) {
        switch (header.type()) {
            case START -> start(header.count());
            case ACK -> acknowledge(header);
            default -> throw new ProtocolException(header.type() + " frame on a stream connection");
        }
    }

    private void start(int window) {
        if (flow.isOpen() || window < 1) {
            throw new ProtocolException("START frame with a window of " + window + " pages"
                    + (flow.isOpen() ? ", but the stream has started already" : ""));
        }
        if (!session.isReleased()) {
            throw new RefusedException(ErrorCode.NOT_HANDED_OVER, "pages are served once the guest is paused");
        }
        flow.open(window);
        send();
    }

    private void acknowledge(FrameHeader header) {
        header.checkPages(table, FrameLayout.MAX_ZERO_RUN_PAGES);
        if (header.count() > flow.onTheirWay()) {
            throw new ProtocolException("ACK frame for " + header.count() + " pages, but only " + flow.onTheirWay()
                    + " are not acknowledged");
        }
        session.sent(header.region()).set(header.firstPage(), header.count());
        flow.acknowledged(header.count());
    }

    @Override
    public void readComplete() {
        send();
    }

    @Override
    public void writabilityChanged() {
        send();
    }

    /** Sends until the window or the socket is full, or nothing is left. */
    private void send() {
        ChannelHandlerContext to = context;
        if (to == null || !flow.isOpen() || done || sending) {
            return;
        }
        // A flush can tell at once that there is room again, and would come back here.
        sending = true;
        try {
            sendWhileThereIsRoom(to);
        } finally {
            sending = false;
        }
    }

    private void sendWhileThereIsRoom(ChannelHandlerContext to) {
        while (flow.hasRoom(to)) {
            StreamOrder.Run run = order.next(LONGEST_RUN_PAGES);
            if (run == null) {
                finish(to);
                break;
            }
            if (sendFirstOf(to, run)) {
                to.flush();
            }
        }
        to.flush();
    }

    /** Sends the first pages of a run, as many as are of one kind and fit a frame; returns whether to flush. */
    private boolean sendFirstOf(ChannelHandlerContext to, StreamOrder.Run run) {
        PageSource source = session.source();
        int region = run.region();
        long first = run.pages().first();
        int most = (int) Math.min(run.pages().count(), flow.framePages());
        PageRun kind = source.describe(region, first, most);
        if (kind.isZero() && kind.pageCount() == most) {
            kind = source.describe(region, first, (int) run.pages().count());
        }
        int pages = kind.pageCount();
        session.sent(region).set(first, pages);
        if (kind.isZero()) {
            to.write(replies.zero(to.alloc(), region, first, pages, 0), to.voidPromise());
            session.countZero(pages);
            return flow.sent(0, FrameLayout.HEADER_BYTES);
        }
        ByteBuf frame = replies.content(to.alloc(), region, first, pages, 0);
        int bytes = frame.readableBytes();
        to.write(frame, to.voidPromise());
        session.countStream(pages);
        return flow.sent(pages, bytes);
    }

    private void finish(ChannelHandlerContext to) {
        done = true;
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.END, 0, 0, 0, 0, 0);
        to.write(frame, to.voidPromise());
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        replies.close();
        end.connectionLost(session, "stream", cause);
    }
}
