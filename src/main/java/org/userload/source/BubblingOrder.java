package org.userload.source;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;

/**
 * Around the latest faults, then on from the very latest, and round: what a guest touches next is likely to be near. The
 * idea is "bubbling" of Hines, Deshpande, Gopalan: "Post-copy live migration of virtual machines", SIGOPS OSR 43.3, 2009.
 *
 * <p>Around a fault is the aligned block of {@value #BLOCK_PAGES} pages in which it lies: from the page on to its end, then its
 * begin. As long as nothing is asked for, pages come in order.
 *
 * <p>Stream loop only.
 */
final class BubblingOrder implements StreamOrder {
    /** 2 MiB of 4 KiB pages: a huge page. */
    static final int BLOCK_PAGES = 512;

    /** The two parts of a block. */
    private static final int PARTS = 2;

    private final IntFunction<AtomicBitmap> sent;
    private final int regionCount;
    private final FaultPlaces faults;
    private final long[] places = new long[FaultPlaces.KEPT];
    private int placeCount;
    private long seen;

    /** Which part around which place is next; behind the last, the rest is. */
    private int part;

    private int region;
    private long cursor;
    private boolean wrapped;

    /** @param sent pages of a region that were sent */
    BubblingOrder(IntFunction<AtomicBitmap> sent, int regionCount, FaultPlaces faults) {
        this.sent = sent;
        this.regionCount = regionCount;
        this.faults = faults;
        this.seen = faults.count();
    }

    @Override
    public @Nullable Run next(int maxPages) {
        long count = faults.count();
        if (count != seen) {
            centre(count);
        }
        while (part < PARTS * placeCount) {
            Run run = inPart(places[part / PARTS], part % PARTS == 0, maxPages);
            if (run != null) {
                return run;
            }
            part++;
        }
        return fromCursor(maxPages);
    }

    private void centre(long count) {
        placeCount = (int) Math.min(FaultPlaces.KEPT, count);
        for (int i = 0; i < placeCount; i++) {
            places[i] = faults.place(count - 1 - i);
        }
        seen = count;
        part = 0;
        region = FaultPlaces.region(places[0]);
        cursor = FaultPlaces.page(places[0]);
        wrapped = false;
    }

    private @Nullable Run inPart(long place, boolean fromPageOn, int maxPages) {
        int in = FaultPlaces.region(place);
        long page = FaultPlaces.page(place);
        long block = page & -BLOCK_PAGES;
        AtomicBitmap pages = sent.apply(in);
        return fromPageOn
                ? PreferredOrder.firstUnsent(pages, in, page, Math.min(block + BLOCK_PAGES, pages.size()), maxPages)
                : PreferredOrder.firstUnsent(pages, in, block, page, maxPages);
    }

    private @Nullable Run fromCursor(int maxPages) {
        while (true) {
            AtomicBitmap pages = sent.apply(region);
            Run run = PreferredOrder.firstUnsent(pages, region, cursor, pages.size(), maxPages);
            if (run != null) {
                cursor = run.pages().first();
                return run;
            }
            cursor = 0;
            region++;
            if (region == regionCount) {
                region = 0;
                if (wrapped) {
                    return null;
                }
                wrapped = true;
            }
        }
    }
}
