package org.userload.migration;

import org.jspecify.annotations.Nullable;
import org.userload.dirty.DirtyTracker;
import org.userload.hint.Balloon;
import org.userload.hint.FreePages;
import org.userload.source.SourceSession;

/**
 * Collects what the guest has written to. Such pages count as not sent, and as neither free nor dropped. What
 * has changed by the guest's balloon comes after that, since the tracker may take a drop for a write.
 *
 * <p>The epoch of hints ends before the collection begins: {@link FreePages} says why no write is lost then. One thread, the
 * migrating one.
 */
final class GuestWrites {
    private final DirtyTracker tracker;
    private final FreePages free;
    private final FreePageHints hints;
    private final SourceSession session;
    private final @Nullable Balloon balloon;

    /**
     * @param tracker started before the first collection
     * @param balloon attached since then, or null
     */
    GuestWrites(
            DirtyTracker tracker,
            FreePages free,
            FreePageHints hints,
            SourceSession session,
            @Nullable Balloon balloon) {
        this.tracker = tracker;
        this.balloon = balloon;
        this.free = free;
        this.hints = hints;
        this.session = session;
    }

    /** Only between passes of the stream. */
    void collect() {
        hints.end();
        tracker.collect(this::written);
        if (balloon != null) {
            balloon.collect(session::dirtied);
        }
    }

    private void written(int region, long firstPage, long count) {
        free.used(region, firstPage, count);
        session.dirtied(region, firstPage, count);
    }
}
