package org.userload.source;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.ProtocolException;

/**
 * Gives up pages of a guest's memory at the source once they are in place at the destination, so that memory is not held
 * twice.
 *
 * <p><b>A page is given up only after</b> the destination has said that it is in place (ACK, INSTALLED, or MARKED behind the last
 * round) <i>and</i> that it runs the guest (STARTED): until then the guest may have to be resumed here. What is said before
 * STARTED is kept for then.
 *
 * <p><b>A page that is given up is never read.</b> It is marked as gone before its memory is, and a reader looks at the mark
 * after reading; see {@link LivePageSource#read}. Who asks for it is told that it has it.
 *
 * <p><b>Threads.</b> {@link #goneFrom} and {@link #hereFrom} on any, {@link #inPlaceIsWhatWasSent} on the migrating one, before
 * the guest is handed over; the rest on the stream loop.
 */
final class SourceRelease {
    /** Given up in one turn of the loop after STARTED, 8 MiB of 4 KiB pages: less than a millisecond. */
    private static final int PAGES_PER_TURN = 2_048;

    private final SourceSession session;
    private final PageSource source;
    private final AtomicBitmap[] inPlace;
    private final AtomicBitmap[] gone;
    private final LongAdder givenUp = new LongAdder();
    private boolean started;
    private int region;
    private long page;

    SourceRelease(SourceSession session, PageSource source) {
        this.session = session;
        this.source = source;
        RegionTable table = source.regions();
        int regions = table.entries().size();
        this.inPlace = new AtomicBitmap[regions];
        this.gone = new AtomicBitmap[regions];
        for (int i = 0; i < regions; i++) {
            inPlace[i] = new AtomicBitmap(table.entries().get(i).pageCount());
            gone[i] = new AtomicBitmap(table.entries().get(i).pageCount());
        }
    }

    /** After the rounds: what was sent in them, and not called back, is in place. Before any page is served on demand. */
    void inPlaceIsWhatWasSent() {
        for (int i = 0; i < inPlace.length; i++) {
            AtomicBitmap sent = session.sent(i);
            for (long first = sent.nextSet(0, sent.size()); first < sent.size(); ) {
                long end = sent.nextClear(first, sent.size());
                inPlace[i].set(first, end - first);
                first = sent.nextSet(end, sent.size());
            }
        }
    }

    /** The destination has said that these pages are in place. */
    void inPlace(FrameHeader header) {
        int in = header.region();
        long first = header.firstPage();
        long end = first + header.count();
        if (session.sent(in).nextClear(first, end) < end) {
            throw new ProtocolException(header.type() + " frame for " + header.count() + " pages from page " + first
                    + " of region " + in + ", of which some were never sent");
        }
        inPlace[in].set(first, header.count());
        if (started) {
            giveUp(in, first, end);
        }
    }

    private void giveUp(int in, long first, long end) {
        for (long from = gone[in].nextClear(first, end); from < end; ) {
            long stop = gone[in].nextSet(from, Math.min(end, from + PAGES_PER_TURN));
            gone[in].set(from, stop - from);
            if (source.giveUp(in, from, (int) (stop - from))) {
                givenUp.add(stop - from);
            }
            from = gone[in].nextClear(stop, end);
        }
    }

    /** The guest runs at the destination: what is in place there by now is given up, some of it at a time. */
    void start(Executor loop) {
        if (!started) {
            started = true;
            giveUpSome(loop);
        }
    }

    private void giveUpSome(Executor loop) {
        long left = PAGES_PER_TURN;
        while (region < inPlace.length && left > 0) {
            AtomicBitmap pages = inPlace[region];
            long first = pages.nextSet(page, pages.size());
            long end = pages.nextClear(first, Math.min(first + left, pages.size()));
            if (first < end) {
                giveUp(region, first, end);
                left -= end - first;
            }
            page = end;
            if (first >= pages.size()) {
                region++;
                page = 0;
            }
        }
        if (region < inPlace.length) {
            loop.execute(() -> giveUpSome(loop));
        }
    }

    /** How many pages are gone from this one on. */
    int goneFrom(int in, long first, int most) {
        return (int) (gone[in].nextClear(first, first + most) - first);
    }

    /** How many pages are here from this one on. */
    int hereFrom(int in, long first, int most) {
        return (int) (gone[in].nextSet(first, first + most) - first);
    }

    /** Pages given up so far. Any thread. */
    long givenUpPages() {
        return givenUp.sum();
    }
}
