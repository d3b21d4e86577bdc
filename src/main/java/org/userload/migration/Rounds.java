package org.userload.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.userload.dirty.DirtyTracker;
import org.userload.source.SourceSession;

/**
 * The rounds of a migration: sends memory while the guest runs, again and again what it has written to, until the policy
 * has seen enough.
 *
 * <p><b>Why no write is lost.</b> Tracking begins before the first round. A page is marked as sent before it is read, and
 * the marks of dirtied pages are taken back between rounds only. So a write either happened before its page was read,
 * and was sent, or is reported by a later {@link DirtyTracker#collect} and sent again; the last one follows the pause.
 *
 * <p>One thread, the migrating one.
 */
final class Rounds {
    private final SourceSession session;
    private final DirtyTracker tracker;
    private final Convergence policy;
    private final GuestThrottle throttle;
    private final Patience patience;
    private final Bandwidth bandwidth = new Bandwidth();
    private final List<RoundReport> reports = new ArrayList<>();
    private int throttlePercent;

    Rounds(SourceSession session, DirtyTracker tracker, Convergence policy, GuestThrottle throttle, Patience patience) {
        this.session = session;
        this.tracker = tracker;
        this.policy = policy;
        this.throttle = throttle;
        this.patience = patience;
    }

    /**
     * Runs rounds until the policy wants the guest stopped.
     *
     * @throws HandoverException when it gives up, the destination is lost, or the migration is cancelled
     */
    Convergence.Decision run() {
        tracker.start();
        while (true) {
            Convergence.Decision decision = round();
            if (decision instanceof Convergence.Decision.Throttle slower) {
                throttlePercent = Math.max(throttlePercent, slower.percent());
                throttle.set(slower.percent());
            } else if (decision instanceof Convergence.Decision.GiveUp gaveUp) {
                throw new HandoverException(gaveUp.why() + HandoverException.HERE, true, null);
            } else if (!(decision instanceof Convergence.Decision.AnotherRound)) {
                return decision;
            }
        }
    }

    private Convergence.Decision round() {
        long start = System.nanoTime();
        long acknowledged = session.acknowledgedPages();
        long sent = patience.await(session.stream().sendRound(), session, "has not taken a round of pages");
        long micros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start);
        bandwidth.sample(session.acknowledgedPages() - acknowledged, micros);
        tracker.collect(session::dirtied);
        long dirty = session.unsentPages();
        reports.add(new RoundReport(sent, dirty, micros));
        return policy.afterRound(sent, dirty, bandwidth.microsFor(dirty));
    }

    List<RoundReport> reports() {
        return reports;
    }

    int throttlePercent() {
        return throttlePercent;
    }
}
