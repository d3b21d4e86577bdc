package org.userload.migration.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.userload.migration.Convergence;
import org.userload.migration.MigrationPlan;
import org.userload.migration.RoundReport;
import org.userload.migration.Rounds;
import org.userload.transport.Link;

/**
 * Moves a guest that is only counted, on a clock that is only computed. The same values give the same result everywhere.
 *
 * <p>What is decided is decided by the engine's own {@link Rounds} and {@link Convergence}; how long things take is the
 * model that {@code docs/simulation.md} states. One thread; a simulation runs once.
 */
public final class Simulation {
    /** A first round does not wait for hints longer than this. */
    private static final double LONGEST_HINT_WAIT_NANOS = 100e6;

    private final SimulatedGuest guest;
    private final MigrationPlan plan;
    private final MachineCosts costs;
    private final SimulatedLink link;
    private final SplittableRandom random;
    private final List<RoundReport> rounds = new ArrayList<>();
    private @Nullable Boolean converged;
    private int throttlePercent;
    private double now;
    private double pausedAt;
    private double runningAt;
    private double wireBytes;
    private long contentPages;

    private Simulation(SimulatedGuest guest, Link link, MachineCosts costs, MigrationPlan plan, long seed) {
        this.guest = guest;
        this.plan = plan;
        this.costs = costs;
        this.link = new SimulatedLink(link, costs, plan.hints() && plan.poison() != 0);
        this.random = new SplittableRandom(seed);
    }

    /** @param seed of when the guest touches missing pages */
    public static SimulatedMigration run(
            SimulatedGuest guest, Link link, MachineCosts costs, MigrationPlan plan, long seed) {
        return new Simulation(guest, link, costs, plan, seed).run();
    }

    private SimulatedMigration run() {
        return switch (plan.mode()) {
            case POSTCOPY -> {
                boolean asked = askBeforeThePause();
                handOver(link.roundTripNanos() + (asked ? costs.scanNanos(guest.pages(), 0) : 0));
                yield pagingIn(
                        0,
                        guest.workingSetPages(),
                        guest.contentPages(plan.hints()) - guest.workingSetPages(),
                        marks());
            }
            case STOPCOPY -> {
                boolean asked = askBeforeThePause();
                stopAndCopy(all(), asked ? costs.scanNanos(guest.pages(), 0) : 0);
                yield result(null, 0, null);
            }
            case PRECOPY, HYBRID -> inRounds();
        };
    }

    /** Every page of the guest. */
    private SentPages all() {
        return new SentPages(
                guest.contentPages(plan.hints()), guest.idle().zeroPages(), guest.unneededPages(plan.hints()));
    }

    /** Those without content. */
    private SentPages marks() {
        return new SentPages(0, guest.idle().zeroPages(), guest.unneededPages(plan.hints()));
    }

    /** A guest with free pages is asked for them while it runs; for that, writes are tracked. Gives whether it was. */
    private boolean askBeforeThePause() {
        boolean asked = isAsked();
        if (asked) {
            now += costs.armNanos(guest.pages()) + costs.hintNanos(guest.idle().freePages());
        }
        return asked;
    }

    private boolean isAsked() {
        return plan.hints() && guest.idle().freePages() > 0;
    }

    private SimulatedMigration inRounds() {
        now += costs.armNanos(guest.pages());
        if (isAsked()) {
            now += Math.min(costs.hintNanos(guest.idle().freePages()), LONGEST_HINT_WAIT_NANOS);
        }
        RunningGuest running = new RunningGuest();
        Rounds policy = new Rounds(running, new Convergence(plan));
        Convergence.Decision decision = policy.run();
        rounds.addAll(policy.reports());
        throttlePercent = policy.throttlePercent();
        long dirty = running.dirtyPages;
        if (decision instanceof Convergence.Decision.GiveUp gaveUp) {
            converged = false;
            return result(gaveUp.why(), 0, null);
        }
        if (decision instanceof Convergence.Decision.SwitchToPostCopy toPostCopy) {
            converged = toPostCopy.converged();
            handOver(costs.scanNanos(guest.pages(), 0) + dirty * costs.discardNanosPerPage() + link.roundTripNanos());
            return pagingIn(dirty, dirty, 0, new SentPages(0, 0, 0));
        }
        converged = decision instanceof Convergence.Decision.StopAndCopy copy && copy.converged();
        stopAndCopy(SentPages.ofContent((double) dirty), costs.scanNanos(guest.pages(), 0));
        return result(null, 0, null);
    }

    /** The last pass goes at the same time as the CPU state. */
    private void stopAndCopy(SentPages pages, double scanNanos) {
        double pass = scanNanos + link.passNanos(pages) + link.roundTripNanos();
        count(pages);
        rounds.add(new RoundReport(Math.round(pages.pages()), 0, micros(pass)));
        handOver(pass);
    }

    /** @param waits from the pause until the destination is ready, as far as the link is the reason */
    private void handOver(double waits) {
        pausedAt = now;
        now += costs.handoverNanos() + waits + link.roundTripNanos() / 2;
        runningAt = now;
    }

    private SimulatedMigration pagingIn(long discarded, long hot, long cold, SentPages marks) {
        PagingIn rest = new PagingIn(guest, link, costs, random, hot, cold, marks);
        now += rest.run();
        contentPages += rest.contentPages();
        wireBytes += rest.wireBytes();
        return result(null, discarded, rest);
    }

    private SimulatedMigration result(@Nullable String gaveUp, long discarded, @Nullable PagingIn rest) {
        boolean moved = gaveUp == null;
        return new SimulatedMigration(
                plan.mode(),
                gaveUp,
                converged,
                throttlePercent,
                rounds,
                discarded,
                contentPages,
                rest == null ? 0 : rest.duplicatePages(),
                Math.round(wireBytes),
                moved ? micros(runningAt - pausedAt) : 0,
                moved ? micros(now - pausedAt) : 0,
                micros(now),
                rest == null ? 0 : rest.faults(),
                rest == null ? 0 : rest.blockedMicros());
    }

    private void count(SentPages pages) {
        contentPages += Math.round(pages.content());
        wireBytes += link.passBytes(pages);
    }

    private static long micros(double nanos) {
        return Math.round(nanos / 1e3);
    }

    /** Rounds while the guest runs at the source. */
    private final class RunningGuest implements Rounds.Carrier {
        private int stoppedPercent;
        private boolean isFirst = true;
        private long dirtyPages;

        @Override
        public Rounds.Carried sendRound() {
            SentPages pages = isFirst ? all() : SentPages.ofContent((double) dirtyPages);
            isFirst = false;
            double start = now;
            now += link.passNanos(pages) + link.roundTripNanos();
            double took = now - start;
            count(pages);
            now += costs.scanNanos(guest.pages(), dirty(now - start));
            dirtyPages = Math.round(dirty(now - start));
            return new Rounds.Carried(Math.round(pages.pages()), Math.round(pages.content()), dirtyPages, micros(took));
        }

        private double dirty(double nanos) {
            return guest.dirtiedIn(nanos * (100 - stoppedPercent) / 100);
        }

        @Override
        public void throttle(int percent) {
            stoppedPercent = percent;
        }
    }
}
