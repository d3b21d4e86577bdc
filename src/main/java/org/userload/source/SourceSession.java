package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.FrameChannel;

/**
 * One destination and what it has been sent.
 *
 * <p>The sent bitmaps are shared by the request loop and the stream loop. A page is marked before it is sent; the stream
 * leaves out what is marked, so it repeats nothing. A request is always answered, also for a page that is on its way in
 * the stream: an urgent page does not wait behind it, and the destination counts the double.
 *
 * <p><b>Threads.</b> Any.
 */
public final class SourceSession {
    private static final long MAX_U32 = 0xFFFFFFFFL;
    private static final long SINGLE_ROLES =
            Arrays.stream(Role.values()).filter(Role::isSingle).count();

    private final SessionId id;
    private final PageSource source;
    private final AtomicBitmap[] sent;
    private final FaultPlaces faults = new FaultPlaces();
    private final @Nullable SourceRelease release;
    private final Map<Role, ChannelHandlerContext> connections = new EnumMap<>(Role.class);
    private final Set<ChannelHandlerContext> faultConnections = new HashSet<>();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final LongAdder demandPages = new LongAdder();
    private final LongAdder streamPages = new LongAdder();
    private final LongAdder zeroPages = new LongAdder();
    private final LongAdder freePages = new LongAdder();
    private final LongAdder releasedPages = new LongAdder();
    private final LongAdder acknowledgedPages = new LongAdder();
    private final boolean rounds;
    private final PageEncoding encoding;
    private final UnreadPages unread;
    private final EncodingCounters encodingCounters = new EncodingCounters();
    private volatile @Nullable SessionStream stream;
    private volatile boolean prepared;
    private volatile boolean committed;
    private volatile boolean released;
    private volatile @Nullable Throwable endReason;
    private boolean attached;
    private volatile boolean complete;

    /**
     * @param released whether pages may be served from the start; else after {@link #release}
     * @param rounds whether pages may be streamed before that, and again
     * @param encoding what the sides have agreed on
     * @param unread what need not be read, as the sides have agreed
     * @param givesUp whether pages are given up here once they are in place there
     */
    SourceSession(
            SessionId id,
            PageSource source,
            boolean released,
            boolean rounds,
            PageEncoding encoding,
            UnreadPages unread,
            boolean givesUp) {
        this.id = id;
        this.source = source;
        this.released = released;
        this.rounds = rounds;
        this.encoding = encoding;
        this.unread = unread;
        RegionTable table = source.regions();
        this.sent = new AtomicBitmap[table.entries().size()];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = new AtomicBitmap(table.entries().get(i).pageCount());
        }
        this.release = givesUp ? new SourceRelease(this, source) : null;
    }

    public SessionId id() {
        return id;
    }

    PageSource source() {
        return source;
    }

    AtomicBitmap sent(int region) {
        return sent[region];
    }

    int regionCount() {
        return sent.length;
    }

    /** Where the latest pages were that were asked for. */
    FaultPlaces faults() {
        return faults;
    }

    /** Whether pages may be streamed before the handover, and again. */
    public boolean hasRounds() {
        return rounds;
    }

    void streamIs(SessionStream opened) {
        stream = opened;
    }

    /**
     * What a migration in rounds sends through.
     *
     * @throws IllegalStateException before the session is attached, or if it has no rounds
     */
    public SessionStream stream() {
        SessionStream opened = stream;
        if (opened == null || !rounds) {
            throw new IllegalStateException("session " + id + " has no stream for rounds");
        }
        return opened;
    }

    /**
     * The guest has written to these pages since they were sent: they count as not sent. Only between passes of the
     * stream.
     */
    public void dirtied(int region, long firstPage, long count) {
        sent[region].clear(firstPage, count);
    }

    /** Pages whose present content has not been sent. */
    public long unsentPages() {
        long unsent = 0;
        for (AtomicBitmap region : sent) {
            unsent += region.size() - region.cardinality();
        }
        return unsent;
    }

    /** Those of the unsent pages that have to be read: neither free, nor dropped by the host. */
    public long unsentNeededPages() {
        long needed = 0;
        for (int i = 0; i < sent.length; i++) {
            needed += unread.neededBeside(i, sent[i]);
        }
        return needed;
    }

    /** Pages of content that the destination has acknowledged, counted each time. */
    public long acknowledgedPages() {
        return acknowledgedPages.sum();
    }

    void countAcknowledged(int pages) {
        acknowledgedPages.add(pages);
    }

    /** Memory is stable from now on: pages may be served. After the last pass before the handover. */
    public void release() {
        if (release != null && rounds) {
            release.inPlaceIsWhatWasSent();
        }
        released = true;
    }

    /** What gives pages up; null when they are kept. */
    @Nullable
    SourceRelease sourceRelease() {
        return release;
    }

    /** The destination runs the guest: it will not run here again. */
    void guestStarted() {
        SessionStream opened = stream;
        if (opened != null) {
            opened.guestStarted();
        }
    }

    /** Pages given up here because they are in place at the destination. */
    public long givenUpPages() {
        return release == null ? 0 : release.givenUpPages();
    }

    boolean isReleased() {
        return released;
    }

    /** Pages sent because they were asked for. */
    public long demandPages() {
        return demandPages.sum();
    }

    /** Pages of content sent in the stream. */
    public long streamPages() {
        return streamPages.sum();
    }

    /** Pages sent as runs of zeros, either way. */
    public long zeroPages() {
        return zeroPages.sum();
    }

    /** Pages sent as runs of free ones, either way. */
    public long freePages() {
        return freePages.sum();
    }

    /** Pages that the guest has released at the destination before they were sent. */
    public long releasedPages() {
        return releasedPages.sum();
    }

    void countFree(int pages) {
        freePages.add(pages);
    }

    /** The guest has released these pages at the destination: they need not be sent. */
    void releasedThere(int region, long firstPage, long count) {
        releasedPages.add(sent[region].set(firstPage, count));
    }

    void countDemand(int pages) {
        demandPages.add(pages);
    }

    void countStream(int pages) {
        streamPages.add(pages);
    }

    void countZero(int pages) {
        zeroPages.add(pages);
    }

    /** Whether pages that are free need not be sent to this destination. */
    public boolean takesFreePages() {
        return unread.frees();
    }

    /** What need not be read, as the sides have agreed. */
    UnreadPages unread() {
        return unread;
    }

    /** How page content is sent, as the sides have agreed. */
    PageEncoding encoding() {
        return encoding;
    }

    EncodingCounters encodingCounters() {
        return encodingCounters;
    }

    /** What that has done so far. */
    public EncodingStatistics encodingStatistics() {
        return encodingCounters.snapshot(encoding);
    }

    /**
     * Takes a connection in.
     *
     * @throws RefusedException when the session cannot have it, with the reason
     */
    synchronized void attach(Role role, ChannelHandlerContext context) {
        if (ended.get()) {
            throw new RefusedException(ErrorCode.UNKNOWN_SESSION, "session " + id + " is over");
        }
        if (!role.isSingle()) {
            attachFault(context);
        } else if (connections.putIfAbsent(role, context) != null) {
            throw new RefusedException(ErrorCode.ROLE_TAKEN, "session " + id + " has its " + role + " connection");
        }
    }

    private void attachFault(ChannelHandlerContext context) {
        if (connections.size() < SINGLE_ROLES) {
            throw new RefusedException(
                    ErrorCode.PROTOCOL,
                    "session " + id + " needs its control, sync and stream connections before one for faults");
        }
        if (faultConnections.size() >= Role.MAX_FAULT_CONNECTIONS) {
            throw new RefusedException(
                    ErrorCode.ROLE_TAKEN,
                    "session " + id + " has " + Role.MAX_FAULT_CONNECTIONS
                            + " connections for faults, which is the most");
        }
        faultConnections.add(context);
    }

    /** A connection of role {@link Role#FAULT} is gone, which changes nothing for the others. */
    synchronized void detachFault(ChannelHandlerContext context) {
        faultConnections.remove(context);
    }

    /** Connections of role {@link Role#FAULT}. */
    synchronized int faultConnections() {
        return faultConnections.size();
    }

    /** Whether every connection that it must have is there; true once. */
    synchronized boolean isNewlyAttached() {
        boolean now = !attached && connections.size() == SINGLE_ROLES;
        attached |= now;
        return now;
    }

    /** Sends PREPARE with the CPU state of the paused guest. */
    public void sendPrepare(byte[] cpuState, long microsSincePause) {
        prepared = true;
        sendControl(FrameType.PREPARE, microsSincePause, 0, cpuState);
    }

    /**
     * Sends COMMIT: from now on the guest belongs to the destination.
     *
     * @param microsSinceReady how long READY has been waiting for the last pages
     */
    public void sendCommit(long microsSincePause, long microsSinceReady) {
        committed = true;
        sendControl(FrameType.COMMIT, microsSincePause, (int) Math.min(microsSinceReady, MAX_U32), new byte[0]);
    }

    /** Calls the handover off. */
    public void sendAbort(String why) {
        sendControl(FrameType.ABORT, 0, 0, why.getBytes(StandardCharsets.UTF_8));
    }

    private void sendControl(FrameType type, long micros, int id, byte[] body) {
        ChannelHandlerContext control;
        synchronized (this) {
            control = connections.get(Role.CONTROL);
        }
        if (control != null) {
            ByteBuf frame = control.alloc().buffer();
            Frames.writeHeader(frame, type, 0, body.length, micros, 0, id);
            frame.writeBytes(body);
            control.writeAndFlush(frame, control.voidPromise());
        }
    }

    boolean isPrepared() {
        return prepared;
    }

    boolean isCommitted() {
        return committed;
    }

    void markComplete() {
        complete = true;
    }

    boolean isComplete() {
        return complete;
    }

    /**
     * Ends the session: every connection is closed, after the reason has been sent on it when there is one, so that the
     * destination learns it whichever connection it hears of first. Takes no more connections. Idempotent.
     */
    void end(@Nullable Throwable reason) {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        endReason = reason;
        List<ChannelHandlerContext> open;
        synchronized (this) {
            open = new ArrayList<>(connections.values());
            open.addAll(faultConnections);
        }
        for (ChannelHandlerContext connection : open) {
            if (reason == null || reason instanceof PeerEndedException) {
                connection.close();
            } else {
                FrameChannel.closeAfter(connection, Refusal.frame(connection.alloc(), reason));
            }
        }
    }

    /** Why it was ended, if that is known; null while it goes on. */
    @Nullable
    Throwable endReason() {
        return endReason;
    }

    /** Ends the session from outside, for example when the server closes. */
    public void close() {
        end(null);
    }
}
