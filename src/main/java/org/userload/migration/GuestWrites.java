package org.userload.migration;

import org.userload.dirty.DirtyTracker;
import org.userload.hint.FreePages;
import org.userload.source.SourceSession;

/**
 * Collects what the guest has written to. Such pages count as not sent, and as neither free nor dropped.
 *
 * <p>The epoch of hints ends before the collection begins: {@link FreePages} says why no write is lost then. One thread, the
 * migrating one.
 */
final class GuestWrites {
    private final DirtyTracker tracker;
    private final FreePages free;
    private final FreePageHints hints;
    private final SourceSession session;

    /** @param tracker started before the first collection */
    GuestWrites(DirtyTracker tracker, FreePages free, FreePageHints hints, SourceSession session) {
        this.tracker = tracker;
        this.free = free;
        this.hints = hints;
        this.session = session;
    }

    /** Only between passes of the stream. */
    void collect() {
        hints.end();
        free.takeDropped(session::dirtied);
        tracker.collect(this::written);
    }

    private void written(int region, long firstPage, long count) {
        free.used(region, firstPage, count);
        session.dirtied(region, firstPage, count);
    }
}
