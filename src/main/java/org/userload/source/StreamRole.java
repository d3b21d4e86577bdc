package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.PageRuns;
import org.userload.protocol.Preference;
import org.userload.protocol.ProtocolException;
import org.userload.protocol.StartFlags;
import org.userload.transport.PathDelay;

/**
 * Streams pages in passes, on the stream loop: in a session with rounds as many as the migration asks for, the last of
 * them every page that has not been sent by then; in any other that one alone.
 *
 * <p>How much is sent and not yet acknowledged is {@link StreamFlow}'s: never more than the destination has granted, and
 * no more than the link needs, since an urgent page waits behind all of it on a shared wire.
 */
final class StreamRole implements ConnectionRole {

    private final SourceSession session;
    private final SessionEnd end;
    private final RegionTable table;
    private final PageEncoder encoder;
    private final UnreadPages unread;
    private @Nullable ChannelHandlerContext context;
    private final StreamFlow flow;
    private final boolean takesPreferences;
    private final PreferredOrder preferred;
    private final LastOrder lastOrder;
    private boolean sending;

    /** What is being sent; null before the first pass and between passes. */
    private @Nullable StreamPass pass;

    /** A round that is sent and not yet in place. */
    private @Nullable StreamPass marked;

    private int marks;

    /** What became of a run. */
    private enum Step {
        SENT,
        FLUSH,
        NO_ROOM
    }

    /**
     * @param wholeBlocks whether the destination can take the memory of whole blocks
     * @param takesPreferences whether PREFER frames are agreed on
     */
    StreamRole(
            SourceSession session,
            SessionEnd end,
            @Nullable BandwidthCap cap,
            PageEncoding encoding,
            UnreadPages unread,
            boolean wholeBlocks,
            boolean takesPreferences) {
        this.session = session;
        this.end = end;
        this.table = session.source().regions();
        this.encoder = PageEncoder.ofStream(session, encoding);
        this.unread = unread;
        this.flow = new StreamFlow(cap, wholeBlocks, this::sendAfterWait);
        this.takesPreferences = takesPreferences;
        this.preferred = new PreferredOrder(session::sent);
        this.lastOrder = new LastOrder(session, preferred);
    }

    @Override
    public void begin(ChannelHandlerContext opened) {
        context = opened;
    }

    /**
     * Sends a pass once the window is granted. Stream loop; the pass before must have ended.
     *
     * @throws IllegalStateException when it has not
     */
    void send(StreamPass next) {
        if (pass != null || marked != null) {
            throw new IllegalStateException("the pass before has not ended");
        }
        encoder.begin(next);
        pass = next;
        flow.leaveRoom(next.isLast());
        send();
    }

    /** Sends the last pass; otherwise as {@link #send(StreamPass)}. */
    void sendRest() {
        send(StreamPass.last(lastOrder));
    }

    /** The destination is about to lose pages that it has. */
    void endDeltas() {
        encoder.endDeltas();
    }

    /** The pass cannot go on: ends the session. */
    void broken(RuntimeException cause) {
        end.connectionLost(session, "stream", cause);
    }

    @Override
    public void frame(FrameHeader header, ByteBuf body) {
        switch (header.type()) {
            case START -> start(header);
            case ACK -> acknowledge(header);
            case MARKED -> marked(header.id());
            case RELEASED -> released(header);
            case PREFER -> prefer(header, body);
            case INSTALLED -> installed(header);
            default -> throw new ProtocolException(header.type() + " frame on a stream connection");
        }
    }

    private void start(FrameHeader header) {
        int window = header.count();
        StartFlags flags = takesPreferences ? StartFlags.ofCode(header.id()) : StartFlags.PLAIN;
        boolean letsGo = lastOrder.holdsBack() && !flags.onlyPreferred();
        if (window < 1 || (flow.isOpen() && !letsGo)) {
            throw new ProtocolException("START frame with a window of " + window + " pages"
                    + (flow.isOpen() ? ", but the stream has started already" : ""));
        }
        lastOrder.flags(flags);
        if (!flow.isOpen()) {
            open(window);
        }
        send();
    }

    private void open(int window) {
        if (!session.hasRounds()) {
            if (!session.isReleased()) {
                throw new RefusedException(ErrorCode.NOT_HANDED_OVER, "pages are served once the guest is paused");
            }
            pass = StreamPass.last(lastOrder);
        }
        ChannelHandlerContext opened = Objects.requireNonNull(context);
        flow.open(window, new PathDelay(opened.channel()));
    }

    private void prefer(FrameHeader header, ByteBuf body) {
        if (!takesPreferences) {
            throw new ProtocolException("PREFER frame, but it was not agreed on");
        }
        Preference how = Preference.ofCode(header.id());
        PageRuns.readPreferred(
                header, body, table, (region, first, count) -> preferred.prefer(how, region, first, count));
    }

    private void marked(int id) {
        StreamPass round = marked;
        if (round == null || id != marks) {
            throw new ProtocolException("MARKED frame with id " + id + " that no MARK has asked for");
        }
        marked = null;
        round.succeed();
    }

    private void acknowledge(FrameHeader header) {
        header.checkPages(table, FrameLayout.MAX_ZERO_RUN_PAGES);
        if (header.count() > flow.onTheirWay()) {
            throw new ProtocolException("ACK frame for " + header.count() + " pages, but only " + flow.onTheirWay()
                    + " are not acknowledged");
        }
        SourceRelease release = session.sourceRelease();
        if (release != null && session.isCommitted()) {
            release.inPlace(header);
        }
        if (!session.hasRounds()) {
            session.sent(header.region()).set(header.firstPage(), header.count());
        }
        flow.acknowledged(header.count());
        session.countAcknowledged(header.count());
    }

    /**
     * Before the guest runs there it has nothing to release there, and its pages may have to be sent again. It may run before START
     * has come.
     */
    private void released(FrameHeader header) {
        if (!unread.frees()) {
            throw new ProtocolException("RELEASED frame, but it was not agreed on");
        }
        header.checkPages(table, FrameLayout.MAX_ZERO_RUN_PAGES);
        if (!session.isCommitted()) {
            throw new ProtocolException("RELEASED frame before the guest runs at the destination");
        }
        session.releasedThere(header.region(), header.firstPage(), header.count());
    }

    /** Pages that came on sync; ACK is for those of the stream. */
    private void installed(FrameHeader header) {
        SourceRelease release = session.sourceRelease();
        if (release == null) {
            throw new ProtocolException("INSTALLED frame, but it was not agreed on");
        }
        header.checkPages(table, FrameLayout.MAX_ZERO_RUN_PAGES);
        if (!session.isCommitted()) {
            throw new ProtocolException("INSTALLED frame before the guest runs at the destination");
        }
        release.inPlace(header);
    }

    @Override
    public void readComplete() {
        send();
    }

    @Override
    public void writabilityChanged() {
        send();
    }

    /** A timer's work: nobody else would hear of what goes wrong in it. */
    private void sendAfterWait() {
        try {
            send();
        } catch (RuntimeException e) {
            broken(e);
        }
    }

    /** Sends until the window or the socket is full, or nothing is left. */
    private void send() {
        ChannelHandlerContext to = context;
        StreamPass current = pass;
        if (to == null || !flow.isOpen() || current == null || sending) {
            return;
        }
        // A flush can tell at once that there is room again, and would come back here.
        sending = true;
        try {
            sendWhileThereIsRoom(to, current);
        } finally {
            sending = false;
        }
    }

    private void sendWhileThereIsRoom(ChannelHandlerContext to, StreamPass current) {
        while (flow.hasRoom(to)) {
            StreamOrder.Run run = current.next(StreamDepth.LONGEST_RUN_PAGES);
            if (run == null) {
                if (!current.isLast() || !lastOrder.holdsBack()) {
                    finish(to, current);
                }
                break;
            }
            Step step = sendFirstOf(to, run, current);
            if (step == Step.NO_ROOM) {
                break;
            }
            if (step == Step.FLUSH) {
                to.flush();
            }
        }
        to.flush();
    }

    /** Sends the first pages of a run, as many as are of one kind and fit a frame. */
    private Step sendFirstOf(ChannelHandlerContext to, StreamOrder.Run run, StreamPass current) {
        int region = run.region();
        long first = run.pages().first();
        int longest = (int) run.pages().count();
        int zero = unread.zeroFrom(region, first, longest);
        if (zero > 0) {
            mark(region, first, zero, current);
            return sendZero(to, region, first, zero);
        }
        int free = unread.freeFrom(region, first, longest);
        if (free > 0) {
            mark(region, first, free, current);
            session.countFree(free);
            return sent(0, encoder.writeFree(to, region, first, free, 0, unread.pattern()));
        }
        int most =
                flow.framePages(first, unread.unknownFrom(region, first, Math.min(longest, StreamDepth.BLOCK_PAGES)));
        if (most == 0) {
            return Step.NO_ROOM;
        }
        PageRun kind = describe(region, first, most, longest);
        int pages = kind.pageCount();
        mark(region, first, pages, current);
        if (kind.isZero()) {
            return sendZero(to, region, first, pages);
        }
        int bytes = encoder.write(to, region, first, pages, 0);
        session.countStream(pages);
        return sent(pages, bytes);
    }

    private Step sent(int pages, int bytes) {
        return flow.sent(pages, bytes) ? Step.FLUSH : Step.SENT;
    }

    /** Looks at no more pages than go in a frame, unless they are zero. */
    private PageRun describe(int region, long first, int most, int longest) {
        PageSource source = session.source();
        PageRun kind = source.describe(region, first, most);
        return kind.isZero() && kind.pageCount() == most
                ? source.describe(region, first, unread.unknownFrom(region, first, longest))
                : kind;
    }

    /** Before a page is read or called free: what is written to it later belongs to a later pass. */
    private void mark(int region, long first, int pages, StreamPass current) {
        session.sent(region).set(first, pages);
        current.count(pages);
    }

    private Step sendZero(ChannelHandlerContext to, int region, long first, int pages) {
        session.countZero(pages);
        return sent(0, encoder.writeZero(to, region, first, pages, 0));
    }

    private void finish(ChannelHandlerContext to, StreamPass current) {
        pass = null;
        if (!current.isLast()) {
            marked = current;
            marks++;
        }
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(
                frame, current.isLast() ? FrameType.END : FrameType.MARK, 0, 0, 0, 0, current.isLast() ? 0 : marks);
        to.write(frame, to.voidPromise());
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        encoder.close();
        failPasses(cause);
        end.connectionLost(session, "stream", cause);
    }

    private void failPasses(@Nullable Throwable cause) {
        Throwable known = cause == null ? session.endReason() : cause;
        Throwable why = known == null ? new IOException("the destination closed its stream connection") : known;
        for (StreamPass unfinished : new StreamPass[] {pass, marked}) {
            if (unfinished != null) {
                unfinished.fail(why);
            }
        }
        pass = null;
        marked = null;
    }
}
