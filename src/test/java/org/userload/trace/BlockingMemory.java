package org.userload.trace;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One page that takes 300 ms to arrive. */
final class BlockingMemory extends ArrayMemory {
    BlockingMemory() {
        super(4096);
    }

    @Override
    public long getLong(long guestAddress) {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
        while (System.nanoTime() < until) {
            LockSupport.parkNanos(until - System.nanoTime());
        }
        return super.getLong(guestAddress);
    }
}
