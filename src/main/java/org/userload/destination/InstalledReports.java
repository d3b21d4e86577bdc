package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.userload.protocol.PackedRun;

/**
 * Tells a source that gives up its pages which of those that came on demand are in place, a little later and many at a time. What
 * it is not told of for want of room it keeps.
 *
 * <p><b>Threads.</b> {@link #installed} on any.
 */
final class InstalledReports {
    private static final int ROOM = 1 << 12;
    private static final long DELAY_MICROS = 1_000;

    private final IoEventLoop streamLoop;
    private final StreamIntake stream;
    private final BooleanSupplier isOver;
    private final LongHandOver handOver = new LongHandOver(ROOM);
    private final AtomicBoolean sending = new AtomicBoolean();
    private final Runnable send = this::send;
    private volatile boolean wanted;

    /** @param isOver whether pages may not be in place although they were to be installed */
    InstalledReports(IoEventLoop streamLoop, StreamIntake stream, BooleanSupplier isOver) {
        this.streamLoop = streamLoop;
        this.stream = stream;
        this.isOver = isOver;
    }

    /** Before the first page. */
    void begin() {
        wanted = stream.reportsInstalled();
    }

    /** Pages that came on demand have been installed. */
    void installed(int region, long firstPage, int count) {
        if (wanted
                && !isOver.getAsBoolean()
                && handOver.offer(PackedRun.of(region, firstPage, count))
                && sending.compareAndSet(false, true)) {
            try {
                streamLoop.schedule(send, DELAY_MICROS, TimeUnit.MICROSECONDS);
            } catch (RejectedExecutionException e) {
                // The session is over.
            }
        }
    }

    private void send() {
        sending.set(false);
        long run = handOver.poll();
        while (run >= 0) {
            long next = handOver.poll();
            while (next >= 0
                    && PackedRun.first(next) == PackedRun.end(run)
                    && PackedRun.region(next) == PackedRun.region(run)
                    && PackedRun.count(run) + PackedRun.count(next) < ROOM) {
                run = PackedRun.of(
                        PackedRun.region(run), PackedRun.first(run), PackedRun.count(run) + PackedRun.count(next));
                next = handOver.poll();
            }
            stream.sendInstalled(PackedRun.region(run), PackedRun.first(run), PackedRun.count(run));
            run = next;
        }
        stream.flush();
    }
}
