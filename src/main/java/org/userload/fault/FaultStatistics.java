package org.userload.fault;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Fault latency as touching threads saw it, and how long each of them was blocked.
 *
 * <p>Recording is wait-free and allocates nothing after a thread's first fault. Snapshots may be taken at any time.
 */
public final class FaultStatistics {
    /** Latencies from 1 ns to an hour, kept to two decimal digits. */
    private static final long HIGHEST_NANOS = 3_600_000_000_000L;

    private static final int DIGITS = 2;

    /** Under which threads are counted together that wait in a signal handler. */
    private static final String SIGNAL_HANDLER = "signal handler";

    private final Beside beside;
    private final ConcurrentHistogram latencyNanos = new ConcurrentHistogram(HIGHEST_NANOS, DIGITS);
    private final Map<String, AtomicLong> blockedNanosByThread = new ConcurrentHashMap<>();
    private final ThreadLocal<AtomicLong> blockedNanos = ThreadLocal.withInitial(this::ofThisThread);

    /** Faults that are recorded elsewhere and count here, too. */
    interface Beside {
        Beside NOTHING = new Beside() {
            @Override
            public void addTo(Histogram latencies) {}

            @Override
            public long blockedNanos() {
                return 0;
            }
        };

        void addTo(Histogram latencies);

        /** What threads have waited, together. */
        long blockedNanos();
    }

    FaultStatistics() {
        this(Beside.NOTHING);
    }

    FaultStatistics(Beside beside) {
        this.beside = beside;
    }

    private AtomicLong ofThisThread() {
        Thread thread = Thread.currentThread();
        return blockedNanosByThread.computeIfAbsent(thread.getName() + "#" + thread.getId(), name -> new AtomicLong());
    }

    /** Counts one fault of the calling thread. */
    void record(long nanos) {
        latencyNanos.recordValue(Math.min(Math.max(nanos, 1), HIGHEST_NANOS));
        AtomicLong blocked = blockedNanos.get();
        blocked.setPlain(blocked.getPlain() + nanos);
    }

    /** Distribution of fault latencies in nanoseconds, a copy. */
    public Histogram latencyNanos() {
        Histogram all = latencyNanos.copy();
        beside.addTo(all);
        return all;
    }

    /** Faults recorded so far. */
    public long count() {
        return latencyNanos().getTotalCount();
    }

    /** Nanoseconds that each thread has waited for pages, by thread name and id. */
    public Map<String, Long> blockedNanosByThread() {
        Map<String, Long> copy = new TreeMap<>();
        blockedNanosByThread.forEach((name, nanos) -> copy.put(name, nanos.get()));
        long elsewhere = beside.blockedNanos();
        if (elsewhere != 0) {
            copy.put(SIGNAL_HANDLER, elsewhere);
        }
        return copy;
    }

    /** The sum over all threads. */
    public long totalBlockedNanos() {
        return blockedNanosByThread().values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }
}
