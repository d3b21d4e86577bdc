package org.userload.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.hint.Balloon;
import org.userload.hint.FreePages;
import org.userload.memory.GuestMemory;
import org.userload.source.SourceSession;

/** One migration, from its first round to COMMIT. On the migrating thread. */
final class Departure implements AutoCloseable {
    /** What to do, once the guest is stopped, about pages that the destination does not have in their last form. */
    private enum LastPass {
        /** Leave them missing. */
        NONE,
        /** Send them. */
        COPY,
        /** Make them missing again. */
        CALL_BACK
    }

    private final Guest guest;
    private final GuestMemory memory;
    private final MigrationPlan plan;
    private final FreePages free;
    private final SourceSession session;
    private final Patience patience;
    private final long startNanos = System.nanoTime();
    private final GuestThrottle throttle;
    private final List<RoundReport> rounds = new ArrayList<>();
    private final FreePageHints hints;
    private final @Nullable Balloon balloon;
    private boolean balloonIsAttached;
    private boolean balloonIsTaken;
    private @Nullable DirtyTracker tracker;
    private @Nullable GuestWrites writes;
    private @Nullable Boolean converged;
    private int throttlePercent;
    private long discardedPages;
    private boolean paused;
    private volatile long pausedNanos;

    Departure(
            Guest guest,
            GuestMemory memory,
            MigrationPlan plan,
            FreePages free,
            SourceSession session,
            Patience patience) {
        this.guest = guest;
        this.memory = memory;
        this.plan = plan;
        this.free = free;
        this.session = session;
        this.throttle = new GuestThrottle(guest);
        this.patience = patience;
        this.balloon = guest.balloon().orElse(null);
        this.hints = FreePageHints.of(plan.hintPlan(), guest, free, patience);
        if (hints.areUsed() && !session.takesFreePages()) {
            hints.giveUp("the destination does not take free pages");
        }
    }

    /**
     * Everything before COMMIT.
     *
     * @param ready completes when the destination is ready to run the guest
     * @throws HandoverException when the guest is not to be handed over
     */
    void untilCommit(CompletableFuture<Void> ready) {
        switch (plan.mode()) {
            case POSTCOPY -> {
                askOnce();
                handOver(LastPass.NONE, ready);
            }
            case STOPCOPY -> {
                askOnce();
                handOver(LastPass.COPY, ready);
            }
            case PRECOPY, HYBRID -> inRounds(ready);
        }
    }

    /** Records writes from the return on. */
    private GuestWrites track() {
        DirtyTracker opened = DirtyTrackers.open(memory, MigrationSource.trackerFor(plan, guest));
        tracker = opened;
        opened.start();
        attachBalloon();
        GuestWrites tracked = new GuestWrites(opened, free, hints, session, balloon);
        writes = tracked;
        return tracked;
    }

    /** Writes are recorded from here on, or the guest stands still. */
    private void attachBalloon() {
        free.watch();
        if (balloon != null && !balloonIsAttached) {
            balloon.attach(free);
            balloonIsAttached = true;
            balloonIsTaken = true;
        }
    }

    private void leaveBalloon(boolean guestIsHere) {
        if (balloon != null && balloonIsTaken) {
            balloonIsTaken = false;
            balloon.detach(guestIsHere);
        }
    }

    /**
     * Asks for free pages in a mode that needs no tracking otherwise. It moves without hints if writes cannot be tracked: a hint
     * counts for nothing then.
     */
    private void askOnce() {
        if (!hints.areUsed()) {
            return;
        }
        long start = System.nanoTime();
        try {
            track();
        } catch (RuntimeException e) {
            hints.giveUp("the guest's writes cannot be tracked: " + e.getMessage());
            stopTracking();
        }
        hints.spent(System.nanoTime() - start);
        hints.begin();
    }

    private void inRounds(CompletableFuture<Void> ready) {
        GuestWrites tracked = track();
        LiveRounds live = new LiveRounds(session, tracked, hints, throttle, patience);
        Rounds policy = new Rounds(live, new Convergence(plan));
        Convergence.Decision decision;
        try {
            hints.begin();
            decision = policy.run();
        } finally {
            rounds.addAll(policy.reports());
            throttlePercent = policy.throttlePercent();
            throttle.close();
        }
        if (decision instanceof Convergence.Decision.GiveUp gaveUp) {
            throw new HandoverException(gaveUp.why() + HandoverException.HERE, true, null);
        }
        if (decision instanceof Convergence.Decision.SwitchToPostCopy toPostCopy) {
            converged = toPostCopy.converged();
            handOver(LastPass.CALL_BACK, ready);
        } else {
            converged = decision instanceof Convergence.Decision.StopAndCopy copy && copy.converged();
            handOver(LastPass.COPY, ready);
        }
    }

    /**
     * Stops the guest and brings the destination to where it can take over: it has the CPU state, and of each page
     * either the last content or none.
     */
    private void handOver(LastPass lastPass, CompletableFuture<Void> ready) {
        if (balloon != null) {
            balloonIsTaken = true;
            balloon.freeze();
        }
        paused = true;
        pausedNanos = System.nanoTime();
        guest.pause();
        if (writes != null) {
            writes.collect();
        } else {
            attachBalloon();
        }
        hints.stop();
        // The pages and the CPU state go at the same time, on connections of their own.
        CompletableFuture<Long> inPlace = switch (lastPass) {
            case NONE -> CompletableFuture.completedFuture(0L);
            case COPY -> session.stream().sendRound();
            case CALL_BACK -> session.stream().discardUnsent();
        };
        session.sendPrepare(guest.saveCpuState(), microsSincePause());
        long pages = patience.await(inPlace, session, "has not taken the last pages");
        if (lastPass == LastPass.COPY) {
            rounds.add(new RoundReport(pages, 0, microsSincePause()));
        } else {
            discardedPages = pages;
        }
        patience.await(ready, session, "did not take the guest");
        patience.commit();
    }

    /** The guest is here again, and the destination is told why. */
    void callOff(Throwable why) {
        leaveBalloon(true);
        if (paused) {
            try {
                guest.resume();
            } catch (RuntimeException e) {
                why.addSuppressed(e);
            }
        }
        session.sendAbort(String.valueOf(why.getMessage()));
        session.close();
    }

    /** Since the guest was stopped, microseconds. Any thread. */
    long microsSincePause() {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - pausedNanos);
    }

    MigrationReport report() {
        return new MigrationReport(
                rounds,
                converged,
                throttlePercent,
                discardedPages,
                hints.report(),
                startNanos,
                paused ? pausedNanos : 0);
    }

    private void stopTracking() {
        if (tracker != null) {
            tracker.close();
            tracker = null;
            writes = null;
        }
    }

    @Override
    public void close() {
        hints.close();
        stopTracking();
        leaveBalloon(false);
    }
}
