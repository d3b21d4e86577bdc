package org.userload.migration;

import java.util.concurrent.TimeUnit;
import org.userload.source.SourceSession;

/**
 * Sends rounds of a running guest over a session.
 *
 * <p><b>Why no write is lost.</b> Tracking begins before the first round. A page is marked as sent before it is read, and
 * the marks of dirtied pages are taken back between rounds only. So a write either happened before its page was read,
 * and was sent, or is reported by a later {@linkplain GuestWrites#collect collection} and sent again; the last one follows
 * the pause. {@link org.userload.hint.FreePages} says why that is so for a page that was hinted as free, too.
 *
 * <p>One thread, the migrating one.
 */
final class LiveRounds implements Rounds.Carrier {
    /** The guest is waited for by at most this part, as a shift, of the time that the next round is expected to take. */
    private static final int WAIT_SHIFT = 2;

    private final SourceSession session;
    private final GuestWrites writes;
    private final FreePageHints hints;
    private final GuestThrottle throttle;
    private final Patience patience;

    /**
     * @param writes tracked since before the first round
     * @param hints begun before the first round
     */
    LiveRounds(
            SourceSession session, GuestWrites writes, FreePageHints hints, GuestThrottle throttle, Patience patience) {
        this.session = session;
        this.writes = writes;
        this.hints = hints;
        this.throttle = throttle;
        this.patience = patience;
    }

    /** @throws HandoverException when the destination is lost, or the migration is cancelled */
    @Override
    public Rounds.Carried sendRound() {
        long start = System.nanoTime();
        long acknowledged = session.acknowledgedPages();
        long sent = patience.await(session.stream().sendRound(), session, "has not taken a round of pages");
        long nanos = System.nanoTime() - start;
        long content = session.acknowledgedPages() - acknowledged;
        writes.collect();
        hints.begin(expectedNanos(sent, nanos) >> WAIT_SHIFT);
        return new Rounds.Carried(sent, content, session.unsentNeededPages(), TimeUnit.NANOSECONDS.toMicros(nanos));
    }

    /** How long the next round will take at the pace of the last one. */
    private long expectedNanos(long sent, long nanos) {
        return sent == 0 ? 0 : (long) ((double) nanos * session.unsentPages() / sent);
    }

    @Override
    public void throttle(int percent) {
        throttle.set(percent);
    }
}
