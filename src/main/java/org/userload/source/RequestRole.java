package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.ProtocolException;

/** Answers page requests, on the request loop. */
final class RequestRole implements ConnectionRole {
    /** Most bytes of answers that wait for one peer: a request of 24 bytes makes up to 256 KiB of them. */
    private static final long MAX_UNREAD_BYTES = 64 << 20;

    private final SourceSession session;
    private final SessionEnd end;
    private final RegionTable table;
    private final PageEncoder encoder;
    private final UnreadPages unread;
    private final @Nullable BandwidthCap cap;
    private @Nullable ChannelHandlerContext context;

    RequestRole(
            SourceSession session,
            SessionEnd end,
            @Nullable BandwidthCap cap,
            PageEncoding encoding,
            UnreadPages unread) {
        this.session = session;
        this.end = end;
        this.table = session.source().regions();
        this.encoder = PageEncoder.ofAnswers(session, encoding);
        this.unread = unread;
        this.cap = cap;
    }

    @Override
    public void begin(ChannelHandlerContext opened) {
        context = opened;
    }

    @Override
    public void frame(FrameHeader header, ByteBuf body) {
        if (header.type() != FrameType.REQUEST) {
            throw new ProtocolException(header.type() + " frame on a sync connection");
        }
        header.checkPages(table, FrameLayout.MAX_PAGES_PER_REQUEST);
        if (!session.isReleased()) {
            throw new RefusedException(ErrorCode.NOT_HANDED_OVER, "pages are served once the guest is paused");
        }
        answer(header.region(), header.firstPage(), header.count(), header.id());
    }

    private void answer(int region, long firstPage, int count, int id) {
        ChannelHandlerContext to = opened();
        if (to.channel().bytesBeforeWritable() > MAX_UNREAD_BYTES) {
            throw new RefusedException(
                    ErrorCode.PROTOCOL,
                    "more requests, but " + MAX_UNREAD_BYTES + " bytes of answers are not read yet");
        }
        session.sent(region).set(firstPage, count);
        session.faults().note(region, firstPage);
        int answered = 0;
        while (answered < count) {
            answered += answerFirstOf(to, region, firstPage + answered, count - answered, id);
        }
    }

    /**
     * Answers with the first pages of a run, as many as are of one kind; gives how many. None if they were given up while they were
     * being read: then they are gone on the next look.
     */
    private int answerFirstOf(ChannelHandlerContext to, int region, long first, int most, int id) {
        SourceRelease release = session.sourceRelease();
        if (release == null) {
            return answerWithFirstOf(to, region, first, most, id);
        }
        int gone = release.goneFrom(region, first, most);
        if (gone > 0) {
            return charged(gone, encoder.writeInstalled(to, region, first, gone, id));
        }
        int here = release.hereFrom(region, first, most);
        try {
            return answerWithFirstOf(to, region, first, here, id);
        } catch (PageSourceException e) {
            if (release.hereFrom(region, first, here) < here) {
                return 0;
            }
            throw e;
        }
    }

    private int answerWithFirstOf(ChannelHandlerContext to, int region, long first, int most, int id) {
        int zero = unread.zeroFrom(region, first, most);
        if (zero > 0) {
            session.countZero(zero);
            return charged(zero, encoder.writeZero(to, region, first, zero, id));
        }
        int free = unread.freeFrom(region, first, most);
        if (free > 0) {
            session.countFree(free);
            return charged(free, encoder.writeFree(to, region, first, free, id, unread.pattern()));
        }
        PageRun run = session.source().describe(region, first, unread.unknownFrom(region, first, most));
        int pages = run.pageCount();
        if (run.isZero()) {
            session.countZero(pages);
            return charged(pages, encoder.writeZero(to, region, first, pages, id));
        }
        int bytes = encoder.write(to, region, first, pages, id);
        session.countDemand(pages);
        return charged(pages, bytes);
    }

    private int charged(int pages, int bytes) {
        if (cap != null) {
            cap.charge(bytes, System.nanoTime());
        }
        return pages;
    }

    private ChannelHandlerContext opened() {
        ChannelHandlerContext now = context;
        if (now == null) {
            throw new IllegalStateException("the connection has not begun");
        }
        return now;
    }

    /** A peer that does not read its answers is not read either. */
    @Override
    public void readComplete() {
        ChannelHandlerContext to = opened();
        to.flush();
        if (!to.channel().isWritable()) {
            to.channel().config().setAutoRead(false);
        }
    }

    @Override
    public void writabilityChanged() {
        ChannelHandlerContext to = opened();
        if (to.channel().isWritable()) {
            to.channel().config().setAutoRead(true);
        }
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        encoder.close();
        end.connectionLost(session, "sync", cause);
    }
}
