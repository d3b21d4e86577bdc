package org.userload.destination;

import java.util.concurrent.atomic.LongAdder;

/** Bytes of frames in both directions on all connections of a session. */
final class WireBytes {
    private final LongAdder bytes = new LongAdder();

    void add(long more) {
        bytes.add(more);
    }

    long sum() {
        return bytes.sum();
    }
}
