package org.userload.migration;

/**
 * Decides after each round how a migration goes on. Knows numbers only, so that a simulation decides alike.
 *
 * <p>A round <i>does not converge</i> when the guest has dirtied at least {@value #NOT_SMALLER} of what the round sent;
 * the migration does not when this happens in {@value #PATIENCE_ROUNDS} rounds one after the other, or when the most
 * rounds are over. (QEMU's auto-converge asks the same of one half, twice.)
 *
 * <p>One thread.
 */
public final class Convergence {
    /** A round that leaves this part of itself to send again brings the end no nearer. */
    static final double NOT_SMALLER = 0.9;

    /** One such round may be bad luck. */
    static final int PATIENCE_ROUNDS = 2;

    private final MigrationPlan plan;
    private int rounds;
    private int roundsNotSmaller;
    private int throttlePercent;

    /** @param plan of a pre-copy or hybrid migration */
    public Convergence(MigrationPlan plan) {
        this.plan = plan;
    }

    /** What to do next. */
    public sealed interface Decision {
        /** Send what is dirty, while the guest runs. */
        record AnotherRound() implements Decision {}

        /** Slow the guest down to stand still for this part of its time, then {@link AnotherRound}. */
        record Throttle(int percent) implements Decision {}

        /** Stop the guest, send what is dirty, hand over. */
        record StopAndCopy(boolean converged) implements Decision {}

        /** Stop the guest, call back what is dirty, hand over, post-copy. */
        record SwitchToPostCopy(boolean converged) implements Decision {}

        /** Call the migration off. */
        record GiveUp(String why) implements Decision {}
    }

    /**
     * A round is over.
     *
     * @param pagesSent pages it sent
     * @param dirtyPages pages to send again
     * @param expectedDowntimeMicros how long sending these would take, by the bandwidth measured
     */
    public Decision afterRound(long pagesSent, long dirtyPages, long expectedDowntimeMicros) {
        rounds++;
        roundsNotSmaller = dirtyPages >= NOT_SMALLER * pagesSent ? roundsNotSmaller + 1 : 0;
        boolean fits = expectedDowntimeMicros <= plan.downtimeLimit().toNanos() / 1000;
        return plan.mode() == MigrationMode.HYBRID
                ? inHybrid(fits)
                : inPreCopy(fits, dirtyPages, expectedDowntimeMicros);
    }

    private Decision inHybrid(boolean fits) {
        boolean enough = plan.hybridRounds() > 0
                ? rounds >= plan.hybridRounds()
                : fits || roundsNotSmaller >= PATIENCE_ROUNDS || rounds >= plan.maxRounds();
        return enough ? new Decision.SwitchToPostCopy(fits) : new Decision.AnotherRound();
    }

    private Decision inPreCopy(boolean fits, long dirtyPages, long expectedDowntimeMicros) {
        if (fits) {
            return new Decision.StopAndCopy(true);
        }
        boolean roundsAreOver = rounds >= plan.maxRounds();
        if (roundsNotSmaller < PATIENCE_ROUNDS && !roundsAreOver) {
            return new Decision.AnotherRound();
        }
        return switch (plan.onNonConvergence()) {
            case CONTINUE -> roundsAreOver ? new Decision.StopAndCopy(false) : new Decision.AnotherRound();
            case FAIL -> new Decision.GiveUp(why(dirtyPages, expectedDowntimeMicros));
            case POSTCOPY -> new Decision.SwitchToPostCopy(false);
            case THROTTLE -> roundsAreOver ? new Decision.StopAndCopy(false) : throttleMore();
        };
    }

    private Decision throttleMore() {
        int next = plan.throttle().after(throttlePercent);
        if (next == throttlePercent) {
            return new Decision.AnotherRound();
        }
        throttlePercent = next;
        roundsNotSmaller = 0;
        return new Decision.Throttle(next);
    }

    private String why(long dirtyPages, long expectedDowntimeMicros) {
        return "the guest writes to its memory as fast as it can be sent: after " + rounds + " rounds " + dirtyPages
                + " pages are left, which take "
                + (expectedDowntimeMicros == Long.MAX_VALUE ? "an unknown time" : expectedDowntimeMicros / 1000 + " ms")
                + ", and the downtime limit is " + plan.downtimeLimit().toMillis()
                + " ms; allow more downtime, or throttle the guest, or switch to post-copy";
    }
}
