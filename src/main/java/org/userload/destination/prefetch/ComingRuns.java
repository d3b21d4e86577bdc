package org.userload.destination.prefetch;

import java.util.concurrent.atomic.AtomicLongArray;
import org.userload.memory.GuestMemory;
import org.userload.protocol.PackedRun;

/**
 * Runs that the source was told to send, in the order in which they will come, less what has come.
 *
 * <p><b>Threads.</b> {@link #add} and {@link #arrived} on the stream loop; {@link #distance} on any. It reads while the queue
 * moves, so its answer may be old: it decides only whether a page is waited for a little longer.
 */
final class ComingRuns {
    /** Runs looked at in a search. A source skips runs of which it has sent every page on demand. */
    private static final int LOOK_AHEAD = 64;

    private final AtomicLongArray ring;
    private volatile long head;
    private volatile long tail;

    /** @param room runs, a power of two; of more the oldest are forgotten */
    ComingRuns(int room) {
        ring = new AtomicLongArray(room);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    void add(int region, long first, int count) {
        if (tail - head == ring.length()) {
            head++;
        }
        ring.set(at(tail), PackedRun.of(region, first, count));
        tail++;
    }

    private int at(long index) {
        return (int) index & (ring.length() - 1);
    }

    boolean isEmpty() {
        return head == tail;
    }

    /** Pages have come. What was to come before them will not come any more: the source has sent it otherwise. */
    void arrived(GuestMemory memory, int region, long first, int count) {
        long end = first + count;
        long limit = Math.min(tail, head + LOOK_AHEAD);
        for (long i = head; i < limit; i++) {
            long run = ring.get(at(i));
            if (PackedRun.region(run) == region && PackedRun.first(run) < end && PackedRun.end(run) > first) {
                long left = PackedRun.end(run) - end;
                if (left > 0) {
                    ring.set(at(i), PackedRun.of(region, end, (int) left));
                }
                head = left > 0 ? i : i + 1;
                return;
            }
        }
        skipReceived(memory, limit);
    }

    private void skipReceived(GuestMemory memory, long limit) {
        long at = head;
        while (at < limit && isReceived(memory, ring.get(at(at)))) {
            at++;
        }
        head = at;
    }

    private static boolean isReceived(GuestMemory memory, long run) {
        long end = PackedRun.end(run);
        return memory.region(PackedRun.region(run)).received().nextClear(PackedRun.first(run), end) == end;
    }

    /**
     * How many pages come before this one; negative when it is not among the next.
     *
     * @param most pages looked at
     */
    int distance(int region, long page, int most) {
        long ahead = 0;
        long limit = Math.min(tail, head + LOOK_AHEAD);
        for (long i = head; i < limit && ahead <= most; i++) {
            long run = ring.get(at(i));
            if (PackedRun.region(run) == region && PackedRun.first(run) <= page && page < PackedRun.end(run)) {
                long distance = ahead + page - PackedRun.first(run);
                return distance <= most ? (int) distance : -1;
            }
            ahead += PackedRun.count(run);
        }
        return -1;
    }
}
