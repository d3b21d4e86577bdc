package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.userload.linux.SignalSession;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Takes note of pages that threads have fetched in the signal handler: sets their received bits and tells the listener. Looks
 * every {@value #SHORTEST_PAUSE_MILLIS} ms while there are some, so that few of the faults meet that on their CPU, and up to
 * {@value #LONGEST_PAUSE_MILLIS} ms apart while there are none.
 *
 * <p><b>Threads.</b> Any; one collects at a time.
 */
final class FetchedPages {
    private static final long SHORTEST_PAUSE_MILLIS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 40;

    private final GuestMemory memory;
    private final SignalSession session;
    private final FaultListener listener;
    private long collectedPages;
    private long requests;
    private long duplicates;
    private long wireBytes;

    FetchedPages(GuestMemory memory, SignalSession session, FaultListener listener) {
        this.memory = memory;
        this.session = session;
        this.listener = listener;
    }

    /** Collects on a loop for as long as it is wanted. */
    void collectOn(IoEventLoop loop, BooleanSupplier wanted) {
        schedule(loop, wanted, SHORTEST_PAUSE_MILLIS);
    }

    private void schedule(IoEventLoop loop, BooleanSupplier wanted, long pauseMillis) {
        try {
            loop.schedule(
                    () -> {
                        if (wanted.getAsBoolean()) {
                            long next =
                                    collect() ? SHORTEST_PAUSE_MILLIS : Math.min(LONGEST_PAUSE_MILLIS, 2 * pauseMillis);
                            schedule(loop, wanted, next);
                        }
                    },
                    pauseMillis,
                    TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and the session with it.
        }
    }

    /** Whether there were any since the last call. */
    synchronized boolean collect() {
        long before = collectedPages;
        session.collect(this::take);
        SignalSession.Counts counts = session.counts();
        long answered = counts.installed() + counts.duplicates();
        if (answered != requests) {
            listener.fetchedBeside(
                    answered - requests, counts.duplicates() - duplicates, counts.wireBytes() - wireBytes);
            requests = answered;
            duplicates = counts.duplicates();
            wireBytes = counts.wireBytes();
        }
        return collectedPages != before;
    }

    /** Who changes the received bit counts the page: it may have been found by an install meanwhile. */
    private void take(int region, long firstPage, long bits) {
        MemoryRegion fetched = memory.region(region);
        for (long left = bits; left != 0; left &= left - 1) {
            long page = firstPage + Long.numberOfTrailingZeros(left);
            collectedPages++;
            if (fetched.received().set(page)) {
                listener.pagesFetched(region, page, 1);
            }
        }
    }
}
