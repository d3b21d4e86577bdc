package org.userload.destination;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** A bounded queue of numbers from one thread to one other, without a lock and without garbage. */
final class LongHandOver {
    private final AtomicLongArray ring;
    private final AtomicLong head = new AtomicLong();
    private final AtomicLong tail = new AtomicLong();

    /** @param room a power of two */
    LongHandOver(int room) {
        ring = new AtomicLongArray(room);
    }

    /** Adds a number that is not negative; false when there is no room. One thread. */
    boolean offer(long value) {
        long at = tail.get();
        if (at - head.get() == ring.length()) {
            return false;
        }
        ring.setPlain((int) at & (ring.length() - 1), value);
        tail.setRelease(at + 1);
        return true;
    }

    /** Takes the oldest number; -1 when there is none. One thread. */
    long poll() {
        long at = head.get();
        if (at == tail.getAcquire()) {
            return -1;
        }
        long value = ring.getPlain((int) at & (ring.length() - 1));
        head.setRelease(at + 1);
        return value;
    }
}
