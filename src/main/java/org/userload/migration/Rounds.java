package org.userload.migration;

import java.util.ArrayList;
import java.util.List;

/**
 * The rounds of a migration as decisions: sends memory while the guest runs, again and again what it has written to,
 * until the policy has seen enough. What sending means is the {@link Carrier}'s business, so that a simulation runs the
 * same loop.
 *
 * <p>One thread, the migrating one.
 */
public final class Rounds {
    private final Carrier carrier;
    private final Convergence policy;
    private final int pageBytes;
    private final Bandwidth bandwidth = new Bandwidth();
    private final List<RoundReport> reports = new ArrayList<>();
    private int throttlePercent;

    /** Carries rounds out. */
    public interface Carrier {
        /** Sends every page that the destination does not have in its present form, and finds out what is dirty then. */
        Carried sendRound();

        /** Makes the guest stand still for this part of its time from now on, 1 to 99 percent. */
        void throttle(int percent);
    }

    /**
     * A round that is over.
     *
     * @param pagesSent pages sent in it
     * @param contentPages those of them that were acknowledged, which are those with content: they make the bandwidth
     * @param dirtyPages pages to send again
     * @param micros from its begin until all of it was in place
     */
    public record Carried(long pagesSent, long contentPages, long dirtyPages, long micros) {}

    /** @param pageBytes size of a page */
    public Rounds(Carrier carrier, Convergence policy, int pageBytes) {
        this.carrier = carrier;
        this.policy = policy;
        this.pageBytes = pageBytes;
    }

    /** Runs rounds until the policy wants the guest stopped or gives up, and says which. */
    public Convergence.Decision run() {
        while (true) {
            Convergence.Decision decision = round();
            if (decision instanceof Convergence.Decision.Throttle slower) {
                throttlePercent = Math.max(throttlePercent, slower.percent());
                carrier.throttle(slower.percent());
            } else if (!(decision instanceof Convergence.Decision.AnotherRound)) {
                return decision;
            }
        }
    }

    private Convergence.Decision round() {
        Carried round = carrier.sendRound();
        bandwidth.sample(round.contentPages() * pageBytes, round.micros());
        reports.add(new RoundReport(round.pagesSent(), round.dirtyPages(), round.micros()));
        return policy.afterRound(
                round.pagesSent(), round.dirtyPages(), bandwidth.microsFor(round.dirtyPages() * pageBytes));
    }

    /** The rounds so far. */
    public List<RoundReport> reports() {
        return List.copyOf(reports);
    }

    /** The most that the guest was throttled. */
    public int throttlePercent() {
        return throttlePercent;
    }
}
