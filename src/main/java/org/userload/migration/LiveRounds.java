package org.userload.migration;

import java.util.concurrent.TimeUnit;
import org.userload.dirty.DirtyTracker;
import org.userload.source.SourceSession;

/**
 * Sends rounds of a running guest over a session.
 *
 * <p><b>Why no write is lost.</b> Tracking begins before the first round. A page is marked as sent before it is read, and
 * the marks of dirtied pages are taken back between rounds only. So a write either happened before its page was read,
 * and was sent, or is reported by a later {@link DirtyTracker#collect} and sent again; the last one follows the pause.
 *
 * <p>One thread, the migrating one.
 */
final class LiveRounds implements Rounds.Carrier {
    private final SourceSession session;
    private final DirtyTracker tracker;
    private final GuestThrottle throttle;
    private final Patience patience;

    /** @param tracker started before the first round */
    LiveRounds(SourceSession session, DirtyTracker tracker, GuestThrottle throttle, Patience patience) {
        this.session = session;
        this.tracker = tracker;
        this.throttle = throttle;
        this.patience = patience;
    }

    /** @throws HandoverException when the destination is lost, or the migration is cancelled */
    @Override
    public Rounds.Carried sendRound() {
        long start = System.nanoTime();
        long acknowledged = session.acknowledgedPages();
        long sent = patience.await(session.stream().sendRound(), session, "has not taken a round of pages");
        long micros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start);
        long content = session.acknowledgedPages() - acknowledged;
        tracker.collect(session::dirtied);
        return new Rounds.Carried(sent, content, session.unsentPages(), micros);
    }

    @Override
    public void throttle(int percent) {
        throttle.set(percent);
    }
}
