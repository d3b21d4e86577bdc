package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.destination.PageInstaller.Arrival;
import org.userload.destination.prefetch.ComingPages;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameReader;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.PackedRun;
import org.userload.protocol.PageRuns;
import org.userload.protocol.Preference;
import org.userload.protocol.ProtocolException;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.protocol.StartFlags;

/**
 * Installs what the stream brings, straight from the receive buffer, and acknowledges it. Stream loop only.
 *
 * <p>Acknowledgements are put together: consecutive pages become one frame. It is sent when a frame is in and nothing
 * more has come, so that a slow link's frames are acknowledged one by one; when the run ends; and while data keeps coming,
 * every {@value #ACKNOWLEDGE_NANOS} ns or when it has grown long.
 */
final class StreamIntake extends ClientConnection {
    /** What is received and installed at a time; fits the second-level cache. */
    private static final int RECEIVE_BYTES = 256 << 10;

    /** As long as the source's stream may queue: often enough for its window, seldom enough to cost nothing. */
    private static final long ACKNOWLEDGE_NANOS = 200_000;

    private final RegionTable table;
    private final PageInstaller installer;
    private final @Nullable ComingPages coming;
    private final BooleanSupplier isOver;
    private final Consumer<@Nullable Throwable> onLost;
    private final int acknowledgeEvery;

    private final PageDecoder decoder;
    private final boolean takesBlocks;
    private @Nullable StagingBlock staging;

    /** The same while the content of a frame is put together in it. */
    private @Nullable StagingBlock gathered;

    /** The last content was a block, so the next may be one, too. */
    private boolean blocksCome;

    private int unreadPages;
    private long acknowledgedAt;
    private int ackRegion;
    private long ackFirst;
    private int ackCount;
    private volatile boolean started;
    private volatile boolean holdsBack;

    /**
     * @param coming who is told of what comes; null when nothing is preferred
     * @param isOver whether pages may not be in place although they were to be installed
     */
    StreamIntake(
            SessionId session,
            RegionTable table,
            PageInstaller installer,
            @Nullable ComingPages coming,
            BooleanSupplier isOver,
            int windowPages,
            boolean takesBlocks,
            WireBytes wire,
            Consumer<@Nullable Throwable> onLost) {
        super(Role.STREAM, session, RECEIVE_BYTES, wire);
        this.table = table;
        this.installer = installer;
        this.coming = coming;
        this.isOver = isOver;
        this.onLost = onLost;
        this.takesBlocks = takesBlocks;
        this.decoder = new PageDecoder(table);
        this.acknowledgeEvery = Math.max(1, Math.min(windowPages / 8, FrameLayout.MAX_ZERO_RUN_PAGES));
    }

    @Override
    long offeredFeatures() {
        return takesBlocks ? Feature.ALL : super.offeredFeatures();
    }

    /** Asks the source to begin, or, once it has, to send what it has held back. Stream loop. */
    void start(int windowPages, StartFlags flags) {
        if (!isOpen()) {
            return;
        }
        ChannelHandlerContext to = context();
        started = true;
        holdsBack = flags.onlyPreferred();
        if (coming != null) {
            coming.started();
        }
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.START, 0, 0, 0, windowPages, flags.code());
        to.writeAndFlush(frame, to.voidPromise());
        wire().add(FrameLayout.HEADER_BYTES);
    }

    /** Whether the source can be told what to send first. Once the hello was answered. */
    boolean takesPreferences() {
        return Feature.PREFER.in(features());
    }

    /** Whether the source wants to know of pages that came on demand, and are in place. Once the hello was answered. */
    boolean reportsInstalled() {
        return Feature.RELEASE_SOURCE.in(features());
    }

    /** Writes an INSTALLED frame, without a flush. Stream loop. */
    void sendInstalled(int region, long firstPage, int count) {
        if (!isOpen()) {
            return;
        }
        ChannelHandlerContext to = context();
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.INSTALLED, region, 0, firstPage, count, 0);
        to.write(frame, to.voidPromise());
        wire().add(FrameLayout.HEADER_BYTES);
    }

    /** Sends what was written. */
    void flush() {
        context().flush();
    }

    /** Sends a PREFER frame with {@linkplain PackedRun packed runs} of a region. Stream loop. */
    void sendPreferred(Preference preference, int region, long[] runs, int count) {
        if (!isOpen()) {
            return;
        }
        ChannelHandlerContext to = context();
        int body = PageRuns.bodyBytes(count);
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES + body);
        Frames.writeHeader(frame, FrameType.PREFER, region, body, 0, count, preference.code());
        for (int i = 0; i < count; i++) {
            PageRuns.write(frame, PackedRun.first(runs[i]), PackedRun.count(runs[i]));
        }
        wire().add(frame.readableBytes());
        to.writeAndFlush(frame, to.voidPromise());
    }

    @Override
    public void pages(FrameHeader header) {
        checkStarted(header);
        switch (header.type()) {
            case PACKED -> header.checkPacked(table, FrameLayout.MAX_PAGES_PER_FRAME);
            case DELTA -> {
                requireRounds(header);
                header.checkDelta(table);
            }
            default -> header.checkContent(table);
        }
        unreadPages = header.count();
        wire().add(FrameLayout.HEADER_BYTES + header.bodyLength());
    }

    /** A block of which nothing is there is put together in memory that can become the guest's. */
    @Override
    public @Nullable ByteBuf gather(FrameHeader header) {
        blocksCome = takesBlocks && isBlock(header);
        if (!blocksCome || !installer.areMissing(header.region(), header.firstPage(), header.count())) {
            return null;
        }
        StagingBlock block = staging;
        if (block == null) {
            block = new StagingBlock();
            staging = block;
        }
        gathered = block;
        return block.bytes();
    }

    private boolean isBlock(FrameHeader header) {
        long address = installer.region(header.region()).hostAddressOf(header.firstPage());
        return StagingBlock.canBecome(address, header.count());
    }

    /** Where a block lies already is where its next bytes go; before a header, where they would go if it is one's. */
    @Override
    protected @Nullable ByteBuf receiveInto(FrameReader next) {
        StagingBlock block = staging;
        if (block == null || !(blocksCome || next.isGathering())) {
            return null;
        }
        int index = next.gatherIndex();
        return index < 0 ? null : block.lend(index);
    }

    @Override
    public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
        StagingBlock block = gathered;
        if (block != null) {
            gathered = null;
            installer.installBlock(header.region(), firstPage, count, block.contentAddress());
        } else {
            installer.install(Arrival.STREAM, header.region(), firstPage, count, bytes);
        }
        came(header.region(), firstPage, count);
        unreadPages -= count;
        acknowledge(header.region(), firstPage, count);
    }

    @Override
    public void encoded(FrameHeader header, ByteBuf bytes) {
        ByteBuf pages =
                header.type() == FrameType.DELTA ? changed(header, bytes) : decoder.unpack(header, bytes, features());
        installer.install(Arrival.STREAM, header.region(), header.firstPage(), header.count(), pages);
        came(header.region(), header.firstPage(), header.count());
        unreadPages = 0;
        acknowledge(header.region(), header.firstPage(), header.count());
    }

    private void came(int region, long firstPage, int count) {
        if (coming != null) {
            coming.arrived(region, firstPage, count, System.nanoTime());
        }
    }

    /** A delta may be one to a page that is known and not in place. */
    private ByteBuf changed(FrameHeader header, ByteBuf bytes) {
        installer.putKnownInPlace(header.region(), header.firstPage(), header.count());
        return decoder.change(header, bytes, features(), installer.region(header.region()));
    }

    @Override
    void receive(FrameHeader header, ByteBuf body) {
        checkStarted(header);
        switch (header.type()) {
            case ZERO -> {
                header.checkPages(table, FrameLayout.MAX_ZERO_RUN_PAGES);
                installer.knowZero(header.region(), header.firstPage(), header.count());
                came(header.region(), header.firstPage(), header.count());
            }
            case FREE -> {
                requireFree(header, table, FrameLayout.MAX_ZERO_RUN_PAGES);
                long word = body.getLong(body.readerIndex());
                installer.knowFree(header.region(), header.firstPage(), header.count(), word);
                came(header.region(), header.firstPage(), header.count());
            }
            case MARK -> {
                requireRounds(header);
                answerMark(header.id());
            }
            case DISCARD -> {
                requireRounds(header);
                PageRuns.read(header, body, table, installer::discard);
            }
            case END -> {
                // What is still missing is on its way on the sync connection.
            }
            default -> throw new ProtocolException(header.type() + " frame on a stream connection");
        }
    }

    /**
     * The guest has released pages here. Where the source does not know what that is, it sends them, and they are not
     * installed. Stream loop.
     */
    void sendReleased(int region, long firstPage, long count) {
        if (!Feature.FREE.in(features()) || !isOpen()) {
            return;
        }
        ChannelHandlerContext to = context();
        ByteBuf frames = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        for (long done = 0; done < count; done += FrameLayout.MAX_ZERO_RUN_PAGES) {
            int pages = (int) Math.min(count - done, FrameLayout.MAX_ZERO_RUN_PAGES);
            Frames.writeHeader(frames, FrameType.RELEASED, region, 0, firstPage + done, pages, 0);
        }
        wire().add(frames.readableBytes());
        to.writeAndFlush(frames, to.voidPromise());
    }

    private void checkStarted(FrameHeader header) {
        if (!started) {
            throw new ProtocolException(header.type() + " frame before the stream was started");
        }
    }

    private void requireRounds(FrameHeader header) {
        if (!installer.isInRounds()) {
            throw new ProtocolException(header.type() + " frame, but the guest is not awaited");
        }
    }

    /** Everything before it is in place, since frames are worked off one by one. */
    private void answerMark(int id) {
        if (ackCount > 0) {
            sendAcknowledgement();
        }
        ChannelHandlerContext to = context();
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.MARKED, 0, 0, 0, 0, id);
        to.writeAndFlush(frame, to.voidPromise());
        wire().add(FrameLayout.HEADER_BYTES);
    }

    /** A source that gives up what is acknowledged hears of nothing that the loss of the session may have kept from being installed. */
    private void acknowledge(int region, long first, int count) {
        if (reportsInstalled() && isOver.getAsBoolean()) {
            return;
        }
        if (ackCount > 0 && (region != ackRegion || first != ackFirst + ackCount)) {
            sendAcknowledgement();
        }
        if (ackCount == 0) {
            ackRegion = region;
            ackFirst = first;
        }
        ackCount += count;
        if (ackCount >= acknowledgeEvery || System.nanoTime() - acknowledgedAt >= ACKNOWLEDGE_NANOS) {
            sendAcknowledgement();
        }
    }

    private void sendAcknowledgement() {
        ChannelHandlerContext to = context();
        ByteBuf frame = to.alloc().directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.ACK, ackRegion, 0, ackFirst, ackCount, 0);
        to.writeAndFlush(frame, to.voidPromise());
        wire().add(FrameLayout.HEADER_BYTES);
        ackCount = 0;
        acknowledgedAt = System.nanoTime();
    }

    /**
     * What is left is acknowledged when the input runs dry, or a source with a full window would wait for ever; but not in
     * the middle of a frame, of which more is coming.
     */
    @Override
    protected void readComplete() {
        if (ackCount > 0 && unreadPages == 0) {
            sendAcknowledgement();
        }
    }

    /** Whether the source was asked for every page. */
    boolean isEverythingAsked() {
        return started && !holdsBack;
    }

    @Override
    void lost(@Nullable Throwable cause) {
        decoder.close();
        if (staging != null) {
            staging.close();
            staging = null;
        }
        onLost.accept(cause);
    }
}
