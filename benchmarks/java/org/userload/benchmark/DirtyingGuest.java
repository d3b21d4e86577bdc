package org.userload.benchmark;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.userload.memory.GuestMemory;
import org.userload.migration.Guest;

/**
 * A guest that writes to random pages of a working set at a steady rate, and touches one of them now and then to see how
 * long that takes.
 *
 * <p>Writes are paid for by the time that the guest has run: what it could not write while it waited for a page it writes
 * afterwards. Touches are a random page each {@value #TOUCH_NANOS} ns or as soon after as the thread is woken, and the time
 * of each is recorded. Both go on in threads of their own from {@link #resume} to {@link #pause}.
 */
final class DirtyingGuest implements Guest, AutoCloseable {
    static final long TOUCH_NANOS = 100_000;

    private static final long WRITE_EVERY_NANOS = 1_000_000;

    private final GuestMemory memory;
    private final long workingSetPages;
    private final long writesPerSecond;
    private final boolean touches;
    private volatile Histogram touchNanos = new Histogram(3);
    private volatile boolean running;
    private SplittableRandom random = new SplittableRandom(Pattern.SEED);
    private Thread[] threads = {};

    /** @param touches whether it touches pages; not where something else does */
    DirtyingGuest(GuestMemory memory, long workingSetPages, long writesPerSecond, boolean touches) {
        this.memory = memory;
        this.workingSetPages = workingSetPages;
        this.writesPerSecond = writesPerSecond;
        this.touches = touches;
    }

    @Override
    public synchronized void resume() {
        if (running) {
            return;
        }
        running = true;
        threads = new Thread[] {thread("benchmark-writer", this::write), thread("benchmark-toucher", this::touch)};
        for (Thread thread : threads) {
            thread.start();
        }
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    private void write() {
        if (writesPerSecond == 0) {
            return;
        }
        long start = System.nanoTime();
        long written = 0;
        while (running) {
            long due = (long) ((System.nanoTime() - start) * 1e-9 * writesPerSecond);
            for (; written < due && running; written++) {
                memory.putLong(random.nextLong(workingSetPages) << 12, written);
            }
            LockSupport.parkNanos(WRITE_EVERY_NANOS);
        }
    }

    private void touch() {
        SplittableRandom pages = new SplittableRandom(Pattern.SEED + 1);
        while (touches && running) {
            LockSupport.parkNanos(TOUCH_NANOS);
            long start = System.nanoTime();
            memory.getLong(pages.nextLong(workingSetPages) << 12);
            touchNanos.recordValue(System.nanoTime() - start);
        }
    }

    @Override
    public synchronized void pause() {
        running = false;
        for (Thread thread : threads) {
            join(thread);
        }
        threads = new Thread[] {};
    }

    /** A writer that does not end would make every figure wrong. */
    private static void join(Thread thread) {
        boolean interrupted = false;
        LockSupport.unpark(thread);
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Only touches from now on are to count. Any thread. */
    void forgetTouches() {
        touchNanos = new Histogram(3);
    }

    /** Latencies of the touches, nanoseconds. Only while it is paused. */
    Histogram touchNanos() {
        return touchNanos;
    }

    @Override
    public byte[] saveCpuState() {
        return ByteBuffer.allocate(Long.BYTES).putLong(random.nextLong()).array();
    }

    @Override
    public void restoreCpuState(byte[] state) {
        random = new SplittableRandom(ByteBuffer.wrap(state).getLong());
    }

    @Override
    public void close() {
        pause();
    }
}
