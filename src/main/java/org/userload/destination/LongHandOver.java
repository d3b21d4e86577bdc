package org.userload.destination;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A bounded queue of numbers from any threads to one, without a lock and without garbage. A number may be seen later than one
 * that was added after it: who adds tells the other thread to look, after adding.
 */
final class LongHandOver {
    private static final long EMPTY = -1;

    private final AtomicLongArray ring;
    private final AtomicLong head = new AtomicLong();
    private final AtomicLong tail = new AtomicLong();

    /** @param room a power of two */
    LongHandOver(int room) {
        ring = new AtomicLongArray(room);
        for (int i = 0; i < room; i++) {
            ring.setPlain(i, EMPTY);
        }
    }

    /** Adds a number that is not negative; false when there is no room. Any thread. */
    boolean offer(long value) {
        while (true) {
            long at = tail.get();
            if (at - head.get() >= ring.length()) {
                return false;
            }
            if (tail.compareAndSet(at, at + 1)) {
                ring.setRelease(slot(at), value);
                return true;
            }
        }
    }

    /** Takes the oldest number; -1 when there is none, or it is still being added. One thread. */
    long poll() {
        long at = head.get();
        long value = ring.getAcquire(slot(at));
        if (value != EMPTY) {
            ring.setPlain(slot(at), EMPTY);
            head.setRelease(at + 1);
        }
        return value;
    }

    private int slot(long index) {
        return (int) index & (ring.length() - 1);
    }
}
