package org.userload.channel;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What went over one end of a channel, since it was opened. Any thread may read. */
public final class ChannelCounters {
    private final LongAdder framesIn = new LongAdder();
    private final LongAdder bytesIn = new LongAdder();
    private final LongAdder bytesOut = new LongAdder();

    /** By code, from 1. */
    private final AtomicLongArray refusals = new AtomicLongArray(ChannelRefusal.values().length + 1);

    void framesIn(long frames) {
        framesIn.add(frames);
    }

    void bytesIn(long bytes) {
        bytesIn.add(bytes);
    }

    void bytesOut(long bytes) {
        bytesOut.add(bytes);
    }

    void refused(ChannelRefusal reason) {
        refusals.incrementAndGet(reason.code());
    }

    /** Whole frames received, also refused ones. */
    public long framesIn() {
        return framesIn.sum();
    }

    /** Bytes received, headers included. */
    public long bytesIn() {
        return bytesIn.sum();
    }

    /** Bytes handed to the pipe, headers included. */
    public long bytesOut() {
        return bytesOut.sum();
    }

    /** Frames refused for a reason. */
    public long refusals(ChannelRefusal reason) {
        return refusals.get(reason.code());
    }

    /** Frames refused. */
    public long refusals() {
        long sum = 0;
        for (int i = 0; i < refusals.length(); i++) {
            sum += refusals.get(i);
        }
        return sum;
    }
}
