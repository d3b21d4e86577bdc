package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.PageRange;

/** From the first page of the first region to the last of the last, leaving out what was sent on demand. */
final class SequentialOrder implements StreamOrder {
    private final SourceSession session;
    private final int regionCount;
    private int region;
    private long cursor;

    SequentialOrder(SourceSession session) {
        this.session = session;
        this.regionCount = session.source().regions().entries().size();
    }

    @Override
    public @Nullable Run next(int maxPages) {
        while (region < regionCount) {
            AtomicBitmap sent = session.sent(region);
            long first = sent.nextClear(cursor, sent.size());
            if (first < sent.size()) {
                long end = sent.nextSet(first, Math.min(first + maxPages, sent.size()));
                cursor = first;
                if (end > first) {
                    return new Run(region, new PageRange(first, end - first));
                }
                // The request loop has sent the page in between: search on from there.
                continue;
            }
            region++;
            cursor = 0;
        }
        return null;
    }
}
