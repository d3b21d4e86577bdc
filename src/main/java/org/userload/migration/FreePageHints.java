package org.userload.migration;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.hint.FreePageReporter;
import org.userload.hint.FreePages;
import org.userload.hint.HintOutcome;

/**
 * Asks a guest for its free pages, in epochs of {@link FreePages}. What the guest does about it never ends a migration and
 * never holds it up for longer than the plan says: the guest is called in a thread of its own, what it says is checked, and once
 * it has not answered in time it is not waited for again.
 *
 * <p>One thread, the migrating one.
 */
final class FreePageHints implements AutoCloseable {
    /** How long a guest may take to hear that it is over; a call that takes longer is interrupted and left alone. */
    private static final long LAST_WORD_MILLIS = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(FreePageHints.class);

    private final FreePages free;
    private final Patience patience;
    private final long longestWaitNanos;
    private final @Nullable FreePageReporter reporter;
    private final @Nullable ExecutorService caller;
    private CompletableFuture<Void> report = CompletableFuture.completedFuture(null);
    private int epoch = FreePages.NO_EPOCH;
    private volatile boolean inCall;
    private boolean answersInTime = true;
    private @Nullable String problem;
    private long reports;
    private long late;
    private long nanos;

    private FreePageHints(
            HintPlan plan,
            FreePages free,
            Patience patience,
            @Nullable FreePageReporter reporter,
            @Nullable String problem) {
        this.free = free;
        this.patience = patience;
        this.longestWaitNanos = plan.longestWait().toNanos();
        this.reporter = reporter;
        this.problem = problem;
        this.caller = reporter == null
                ? null
                : Executors.newSingleThreadExecutor(task -> {
                    Thread thread = new Thread(task, "userload-hints");
                    thread.setDaemon(true);
                    return thread;
                });
    }

    /** Hints of this guest, if the plan wants them and it can give any. */
    static FreePageHints of(HintPlan plan, Guest guest, FreePages free, Patience patience) {
        if (!plan.wanted()) {
            return new FreePageHints(plan, free, patience, null, null);
        }
        FreePageReporter reporter = guest.freePageReporter().orElse(null);
        String problem = reporter == null ? "the guest cannot tell which of its pages are free" : null;
        return new FreePageHints(plan, free, patience, reporter, problem);
    }

    /** Whether the guest is to be asked. */
    boolean areUsed() {
        return reporter != null && problem == null;
    }

    /** The guest is not asked, or not any more. */
    void giveUp(String why) {
        problem = why;
    }

    /** Begins the first epoch and waits for the guest's answer. Writes are tracked. */
    void begin() {
        begin(longestWaitNanos);
    }

    /**
     * Begins an epoch, right after a collection of dirty pages, and waits for the guest's answer.
     *
     * @param mostNanos the longest wait, if the plan does not say less
     * @throws HandoverException when the migration is cancelled
     */
    void begin(long mostNanos) {
        if (areUsed() && report.isCompletedExceptionally()) {
            await(0); // It does not wait: this finds out why.
        }
        if (!areUsed()) {
            return;
        }
        reports++;
        if (inCall) {
            late++; // The call of the report before has not even returned.
            return;
        }
        long start = System.nanoTime();
        ask();
        try {
            boolean inTime = await(answersInTime ? Math.min(mostNanos, longestWaitNanos) : 0);
            answersInTime &= inTime || mostNanos < longestWaitNanos;
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    private void ask() {
        FreePageReporter guest = reporter;
        ExecutorService thread = caller;
        if (guest == null || thread == null) {
            return;
        }
        int id = free.beginEpoch();
        CompletableFuture<Void> answer = new CompletableFuture<>();
        epoch = id;
        report = answer;
        inCall = true;
        thread.execute(() -> {
            try {
                guest.report(id, free.sink(id)).whenComplete((none, thrown) -> {
                    if (thrown == null) {
                        answer.complete(null);
                    } else {
                        answer.completeExceptionally(thrown);
                    }
                });
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            } finally {
                inCall = false;
            }
        });
    }

    /** Whether the guest is through with it, one way or the other. */
    private boolean await(long nanos) {
        long deadline = System.nanoTime() + nanos;
        while (true) {
            patience.checkNotCancelled();
            long left = deadline - System.nanoTime();
            try {
                report.get(
                        Math.min(TimeUnit.MILLISECONDS.toNanos(Patience.LOOK_MILLIS), Math.max(left, 0)),
                        TimeUnit.NANOSECONDS);
                return true;
            } catch (TimeoutException e) {
                if (left <= 0) {
                    late++;
                    return false;
                }
            } catch (ExecutionException e) {
                failed(e.getCause() == null ? e : e.getCause());
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new HandoverException("interrupted while the guest was asked" + HandoverException.HERE, true, e);
            }
        }
    }

    /** What it has hinted until then stands: it was true, and writes since are tracked. */
    private void failed(Throwable thrown) {
        giveUp("the guest failed to tell its free pages: " + thrown);
    }

    /** Ends the epoch: what the guest says from now on is stale. Before each collection of dirty pages. */
    void end() {
        free.endEpoch();
    }

    /** The guest need not go on with its report. Waits for nothing. */
    void stop() {
        end();
        FreePageReporter guest = reporter;
        ExecutorService thread = caller;
        if (guest == null || thread == null || report.isDone()) {
            return;
        }
        int id = epoch;
        report = CompletableFuture.completedFuture(null);
        thread.execute(() -> {
            try {
                guest.stop(id);
            } catch (RuntimeException | Error e) {
                LOG.warn("the guest failed to end its report of free pages: {}", e.toString());
            }
        });
    }

    /** What came of it so far. */
    HintReport report() {
        return new HintReport(
                problem,
                reports,
                late,
                free.hints(HintOutcome.TAKEN),
                free.hints(HintOutcome.STALE),
                free.hints(HintOutcome.OUTSIDE_MEMORY) + free.hints(HintOutcome.MALFORMED),
                TimeUnit.NANOSECONDS.toMicros(nanos));
    }

    /** Time that the migration spends for hints elsewhere. */
    void spent(long more) {
        nanos += more;
    }

    @Override
    public void close() {
        stop();
        ExecutorService thread = caller;
        if (thread == null) {
            return;
        }
        thread.shutdown();
        boolean interrupted = false;
        try {
            if (!thread.awaitTermination(LAST_WORD_MILLIS, TimeUnit.MILLISECONDS)) {
                LOG.warn("the guest does not return from a call about its free pages; interrupting it");
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            thread.shutdownNow();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
