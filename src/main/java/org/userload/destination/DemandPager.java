package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.channel.IoEventLoop;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.destination.PageInstaller.Arrival;
import org.userload.fault.FaultListener;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.ProtocolException;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.SpareBuffer;

/**
 * Turns faults into page requests on the sync connection, and installs the answers.
 *
 * <p>Everything runs on the fault loop: a fault event, its request, its answer and its install need no hand-over.
 */
final class DemandPager extends ClientConnection implements FaultListener {
    /** Room for a page and its header, and for several answers at once. */
    private static final int RECEIVE_BYTES = 16 << 10;

    /** Requests that fit the buffer that is used again; more at once are rare. */
    private static final int REQUESTS_PER_BUFFER = 64;

    private final RegionTable table;
    private final PageInstaller installer;
    private final Consumer<@Nullable Throwable> onLost;
    private final PendingRequests pending = new PendingRequests();
    private final Foresight foresight;
    private final InstalledReports reports;
    private final boolean removalsTracked;
    private final LongAdder requestedPages = new LongAdder();
    private final SpareBuffer spare = new SpareBuffer(REQUESTS_PER_BUFFER * FrameLayout.HEADER_BYTES);
    private final PageDecoder decoder;
    private @Nullable ByteBuf requests;
    private int nextId = 1;

    DemandPager(
            SessionId session,
            RegionTable table,
            PageInstaller installer,
            Foresight foresight,
            InstalledReports reports,
            boolean removalsTracked,
            WireBytes wire,
            Consumer<@Nullable Throwable> onLost) {
        super(Role.SYNC, session, RECEIVE_BYTES, wire);
        this.table = table;
        this.installer = installer;
        this.foresight = foresight;
        this.reports = reports;
        this.removalsTracked = removalsTracked;
        this.onLost = onLost;
        this.decoder = new PageDecoder(table);
    }

    /**
     * Faults come from now on.
     *
     * @param tells whether the source can be told what to send first
     */
    void start(IoEventLoop faultLoop, boolean tells) {
        reports.begin();
        foresight.start(new Foresight.Asker(faultLoop, this::overdue, this::faultsDelivered), tells);
    }

    @Override
    public void pageFault(int region, long page) {
        if (!pending.contains(region, page) && !foresight.fault(region, page)) {
            request(region, page);
        }
    }

    private void overdue(int region, long page) {
        if (isOpen()) {
            request(region, page);
        }
    }

    private void request(int region, long page) {
        if (pending.add(region, page, System.nanoTime())) {
            requestedPages.increment();
            ByteBuf batch = requests;
            if (batch == null) {
                batch = spare.take(context().alloc(), FrameLayout.HEADER_BYTES);
                requests = batch;
            }
            if (batch.writableBytes() < FrameLayout.HEADER_BYTES) {
                send(batch);
                batch = context().alloc().directBuffer(REQUESTS_PER_BUFFER * FrameLayout.HEADER_BYTES);
                requests = batch;
            }
            Frames.writeHeader(batch, FrameType.REQUEST, region, 0, page, 1, nextId++);
        }
    }

    @Override
    public void faultsDelivered() {
        ByteBuf batch = requests;
        if (batch != null) {
            send(batch);
            requests = null;
        }
        foresight.flush();
    }

    private void send(ByteBuf batch) {
        wire().add(batch.readableBytes());
        context().writeAndFlush(batch, context().voidPromise());
    }

    @Override
    public void pagesRemoved(long neverReceived) {
        installer.forget(neverReceived);
    }

    @Override
    public void pagesFetched(int region, long firstPage, int count) {
        installer.fetched(region, firstPage, count);
        reports.installed(region, firstPage, count);
    }

    @Override
    public void fetchedBeside(long requests, long duplicates, long wireBytes) {
        requestedPages.add(requests);
        installer.countDuplicates(duplicates);
        wire().add(wireBytes);
    }

    @Override
    public void pages(FrameHeader header) {
        switch (header.type()) {
            case PAGES -> header.checkContent(table);
            case PACKED -> header.checkPacked(table, FrameLayout.MAX_PAGES_PER_REQUEST);
            default -> throw new ProtocolException(header.type() + " frame on a sync connection");
        }
        wire().add(FrameLayout.HEADER_BYTES + header.bodyLength());
    }

    @Override
    public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
        arrived(header, firstPage, count);
        installer.install(Arrival.DEMAND, header.region(), firstPage, count, bytes);
        reports.installed(header.region(), firstPage, count);
    }

    @Override
    public void encoded(FrameHeader header, ByteBuf bytes) {
        ByteBuf pages = decoder.unpack(header, bytes, features());
        arrived(header, header.firstPage(), header.count());
        installer.install(Arrival.DEMAND, header.region(), header.firstPage(), header.count(), pages);
        reports.installed(header.region(), header.firstPage(), header.count());
    }

    @Override
    void receive(FrameHeader header, ByteBuf body) {
        int region = header.region();
        switch (header.type()) {
            case ZERO -> {
                header.checkPages(table, FrameLayout.MAX_PAGES_PER_REQUEST);
                arrived(header, header.firstPage(), header.count());
                installer.installZero(region, header.firstPage(), header.count());
            }
            case FREE -> {
                requireFree(header, table, FrameLayout.MAX_PAGES_PER_REQUEST);
                arrived(header, header.firstPage(), header.count());
                installer.installFree(region, header.firstPage(), header.count(), body.getLong(body.readerIndex()));
            }
            case INSTALLED -> {
                if (!Feature.RELEASE_SOURCE.in(features())) {
                    throw new ProtocolException(header.type() + " frame, which was not agreed on");
                }
                header.checkPages(table, FrameLayout.MAX_PAGES_PER_REQUEST);
                arrived(header, header.firstPage(), header.count());
                requireHere(header);
            }
            default -> throw new ProtocolException(header.type() + " frame on a sync connection");
        }
    }

    /** The source does not have these pages any more. Who waited for them was woken when they came in the stream. */
    private void requireHere(FrameHeader header) {
        long end = header.firstPage() + header.count();
        long missing = installer.region(header.region()).received().nextClear(header.firstPage(), end);
        if (missing < end && !removalsTracked) {
            throw new ProtocolException("the source says that page " + missing + " of region " + header.region()
                    + " is in place here, and it is not");
        }
    }

    private void arrived(FrameHeader header, long firstPage, int count) {
        if (foresight.measures()) {
            long now = System.nanoTime();
            foresight.answered(now - pending.sinceNanos(header.region(), firstPage, now));
        }
        for (int i = 0; i < count; i++) {
            if (!pending.remove(header.region(), firstPage + i)) {
                throw new ProtocolException(
                        "page " + (firstPage + i) + " of region " + header.region() + " that was not asked for");
            }
        }
    }

    /** Pages asked for so far. Any thread. */
    long requestedPages() {
        return requestedPages.sum();
    }

    /** How long the oldest request has waited, nanoseconds. */
    long oldestWaitNanos(long nowNanos) {
        return nowNanos - pending.oldestNanos(nowNanos);
    }

    @Nullable
    String examplePending() {
        return pending.example();
    }

    @Override
    void lost(@Nullable Throwable cause) {
        spare.close();
        decoder.close();
        onLost.accept(cause);
    }
}
