package org.userload.trace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.userload.trace.ThroughputSamples.Sample;

/**
 * Looks every 10 ms how many accesses a guest has done. The guest does not notice: looking is one read of a number that
 * it keeps anyway.
 *
 * <p><b>Precision.</b> Between two samples the guest counts as equally fast. Call {@link #sample()} right after a pause
 * and right before a resume where the edge should be sharp. A sample that the scheduler delays is left out, not made
 * up for; the accesses are still counted, in the next one.
 *
 * <p><b>Threads.</b> Samples in {@code userload-throughput}, a daemon that ends with {@link #close()}. All methods may be
 * called from any thread. <b>Memory:</b> about 4 KiB for a second in which the guest runs, next to nothing for one in
 * which it does not.
 */
public final class ThroughputSampler implements AutoCloseable {
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final LongSupplier accesses;
    private final Thread thread;
    private volatile boolean closed;

    /** Guarded by this. */
    private final List<Sample> samples = new ArrayList<>();

    /** For tests. */
    Thread thread() {
        return thread;
    }

    private ThroughputSampler(LongSupplier accesses) {
        this.accesses = accesses;
        this.thread = new Thread(this::run, "userload-throughput");
        thread.setDaemon(true);
    }

    /** Begins with a sample of now. The guest may be in any state, and stays the caller's. */
    public static ThroughputSampler start(Workload guest) {
        return start(guest::accessesHere);
    }

    /**
     * As {@link #start(Workload)}, for a guest that was resumed a moment ago.
     *
     * @param resumedNanos {@link System#nanoTime()} when it had made no access here
     */
    public static ThroughputSampler start(Workload guest, long resumedNanos) {
        return start(guest::accessesHere, new Sample(resumedNanos, 0));
    }

    static ThroughputSampler start(LongSupplier accesses) {
        return start(accesses, null);
    }

    private static ThroughputSampler start(LongSupplier accesses, @Nullable Sample first) {
        ThroughputSampler sampler = new ThroughputSampler(accesses);
        if (first != null) {
            sampler.samples.add(first);
        }
        sampler.sample();
        sampler.thread.start();
        return sampler;
    }

    private void run() {
        long next = System.nanoTime() + PERIOD_NANOS;
        while (!closed) {
            long now = System.nanoTime();
            if (next - now > 0) {
                LockSupport.parkNanos(this, next - now);
            } else {
                sample();
                next += ((now - next) / PERIOD_NANOS + 1) * PERIOD_NANOS;
            }
        }
    }

    /** Takes a sample now, in the calling thread. Does nothing once the sampler is closed. */
    public synchronized void sample() {
        if (closed) {
            return;
        }
        Sample sample = new Sample(System.nanoTime(), accesses.getAsLong());
        int size = samples.size();
        if (size >= 2
                && samples.get(size - 1).accesses() == sample.accesses()
                && samples.get(size - 2).accesses() == sample.accesses()) {
            samples.set(size - 1, sample);
        } else {
            samples.add(sample);
        }
    }

    /** What was sampled so far. */
    public synchronized ThroughputSamples samples() {
        return new ThroughputSamples(samples);
    }

    /** Takes a last sample and ends the thread. Idempotent; {@link #samples()} stays. */
    @Override
    public void close() {
        sample();
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
