package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.userload.destination.prefetch.ComingPages;
import org.userload.destination.prefetch.PrefetchStatistics;
import org.userload.destination.prefetch.WorkingSetRecorder;
import org.userload.memory.GuestMemory;

/**
 * What is done with a fault besides asking for its page: it is recorded, read-ahead learns of it, and if the page is about to
 * come in the stream it is waited for instead. Fault loop only, but for {@link #statistics}.
 */
final class Foresight {
    private final GuestMemory memory;
    private final @Nullable WorkingSetRecorder recorder;

    /** What the source is told, once it is known that it listens; null when it is told nothing. */
    private @Nullable ComingPages coming;

    private final @Nullable Preferences preferences;
    private final HeldFaults held = new HeldFaults();
    private final Runnable look = this::look;
    private final LongAdder awaited = new LongAdder();
    private final LongAdder late = new LongAdder();
    private boolean looksLater;

    /**
     * @param recorder null when nothing is recorded
     * @param preferences null when nothing is preferred
     */
    Foresight(GuestMemory memory, @Nullable WorkingSetRecorder recorder, @Nullable Preferences preferences) {
        this.memory = memory;
        this.recorder = recorder;
        this.preferences = preferences;
    }

    /** Who asks for a page that does not come, on which loop. */
    record Asker(IoEventLoop loop, HeldFaults.Overdue overdue, Runnable flush) {}

    private @Nullable Asker asker;

    /**
     * Once, before the first fault.
     *
     * @param tells whether the source can be told what to send first
     */
    void start(Asker askedLater, boolean tells) {
        asker = askedLater;
        coming = tells && preferences != null ? preferences.coming() : null;
    }

    /** A fault on a page that is not asked for; whether that is to be left. */
    boolean fault(int region, long page) {
        if (recorder != null) {
            recorder.touched(region, page);
        }
        if (coming == null || preferences == null) {
            return false;
        }
        if (held.contains(region, page)) {
            return true;
        }
        long now = System.nanoTime();
        boolean wait = coming.isAlmostHere(region, page, now);
        if (wait) {
            held.add(region, page, now);
        }
        preferences.fault(region, page);
        return wait;
    }

    /** The batch of faults is at its end. */
    void flush() {
        if (preferences != null && coming != null) {
            preferences.flush();
            if (!held.isEmpty()) {
                lookLater();
            }
        }
    }

    private void lookLater() {
        Asker mine = asker;
        if (!looksLater && mine != null && coming != null) {
            looksLater = true;
            try {
                mine.loop.schedule(look, coming.patienceNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                // The session is over.
            }
        }
    }

    private void look() {
        Asker mine = asker;
        looksLater = false;
        if (mine == null || coming == null) {
            return;
        }
        awaited.add(held.settle(memory, System.nanoTime() - coming.patienceNanos(), (region, page) -> {
            late.increment();
            mine.overdue.page(region, page);
        }));
        mine.flush.run();
        if (!held.isEmpty()) {
            lookLater();
        }
    }

    /** Whether anybody wants to know how long answers take. */
    boolean measures() {
        return coming != null;
    }

    /** A page that was asked for has come after this time. */
    void answered(long nanos) {
        if (coming != null) {
            coming.answered(nanos);
        }
    }

    /** @param requested pages asked for */
    PrefetchStatistics statistics(long requested) {
        ComingPages mine = preferences == null ? null : preferences.coming();
        long preferred = mine == null ? 0 : mine.preferredPages();
        long came = mine == null ? 0 : mine.cameIn();
        return new PrefetchStatistics(preferred, came, awaited.sum(), late.sum(), requested);
    }
}
