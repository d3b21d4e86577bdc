package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.userload.destination.prefetch.ComingPages;
import org.userload.destination.prefetch.ReadAhead;
import org.userload.destination.prefetch.WorkingSet;
import org.userload.memory.GuestMemory;
import org.userload.protocol.PackedRun;
import org.userload.protocol.PageRuns;
import org.userload.protocol.Preference;

/**
 * Tells the source what it should send first. Faults are seen on the fault loop; what they make wanted is handed to the stream
 * loop, whose connection carries it, behind the requests of the same batch of faults.
 *
 * <p><b>Threads.</b> {@link #fault} and {@link #flush} on the fault loop, the rest on the stream loop.
 */
final class Preferences implements ReadAhead.Wanted {
    /** Runs under way from loop to loop; of more the stream loop does not hear. */
    private static final int ROOM = 1 << 12;

    /** As many as the source keeps, less some for read-ahead. */
    static final int MOST_WORKING_SET_RUNS = (1 << 20) - (1 << 16);

    private final GuestMemory memory;
    private final ReadAhead readAhead;
    private final ComingPages coming;
    private final StreamIntake stream;
    private final IoEventLoop streamLoop;
    private final LongHandOver handOver = new LongHandOver(ROOM);
    private final AtomicBoolean sending = new AtomicBoolean();
    private final Runnable send = this::send;
    private boolean hasNew;

    Preferences(
            GuestMemory memory, ReadAhead readAhead, ComingPages coming, StreamIntake stream, IoEventLoop streamLoop) {
        this.memory = memory;
        this.readAhead = readAhead;
        this.coming = coming;
        this.stream = stream;
        this.streamLoop = streamLoop;
    }

    ComingPages coming() {
        return coming;
    }

    /** A page is missing and somebody waits for it. */
    void fault(int region, long page) {
        readAhead.fault(region, page, this);
    }

    @Override
    public void pages(int region, long firstPage, int count) {
        long end = Math.min(firstPage + count, memory.region(region).pageCount());
        long page = coming.nextToWant(region, Math.max(0, firstPage), end);
        while (page < end) {
            int run = (int) coming.want(region, page, end);
            if (run > 0 && handOver.offer(PackedRun.of(region, page, run))) {
                hasNew = true;
            }
            page = coming.nextToWant(region, page + run, end);
        }
    }

    /** Sends what has become wanted. */
    void flush() {
        if (hasNew) {
            hasNew = false;
            if (sending.compareAndSet(false, true)) {
                try {
                    streamLoop.execute(send);
                } catch (RejectedExecutionException e) {
                    // The session is over.
                }
            }
        }
    }

    private void send() {
        sending.set(false);
        PreferFrame frame = new PreferFrame(Preference.SOON);
        for (long run = handOver.poll(); run >= 0; run = handOver.poll()) {
            add(frame, PackedRun.region(run), PackedRun.first(run), PackedRun.count(run));
        }
        frame.send(stream);
    }

    /** Wants a working set first. */
    void begin(WorkingSet set) {
        PreferFrame frame = new PreferFrame(Preference.FIRST);
        int[] left = {MOST_WORKING_SET_RUNS};
        set.forEachRun((region, first, count) -> {
            if (left[0]-- > 0) {
                coming.want(region, first, first + count);
                add(frame, region, first, count);
            }
        });
        frame.send(stream);
    }

    private void add(PreferFrame frame, int region, long first, int count) {
        if (!frame.takes(region)) {
            frame.send(stream);
        }
        frame.add(region, first, count);
        coming.preferred(frame.preference(), region, first, count);
    }

    /** Runs of one region on their way into a PREFER frame; used again and again. */
    private static final class PreferFrame {
        private final Preference preference;
        private final long[] runs = new long[PageRuns.MAX_RUNS];
        private int size;
        private int region;

        PreferFrame(Preference preference) {
            this.preference = preference;
        }

        Preference preference() {
            return preference;
        }

        boolean takes(int another) {
            return size == 0 || (another == region && size < runs.length);
        }

        void add(int of, long first, int count) {
            region = of;
            runs[size++] = PackedRun.of(of, first, count);
        }

        void send(StreamIntake stream) {
            if (size > 0) {
                stream.sendPreferred(preference, region, runs, size);
                size = 0;
            }
        }
    }
}
