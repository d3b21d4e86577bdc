package org.userload.support;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.migration.Guest;

/**
 * A guest that reads and writes its memory without end: step {@code n} reads one word, folds it into a checksum, and
 * writes a word that depends on both. So a single lost or old page changes everything that follows, and the same steps on
 * a plain array tell what is right.
 */
public final class StampingGuest implements Guest, AutoCloseable {
    private final GuestMemory memory;
    private final AtomicInteger running;
    private final long seed;
    private final long workingSetWords;
    private final long pauseNanos;
    private long step;
    private long checksum;
    private volatile boolean stop;
    private volatile long visibleStep;
    private @Nullable Thread thread;

    /**
     * @param running shared by the guests of one migration: how many run
     * @param workingSetPages pages that it touches, from page 0 of the only region
     * @param pauseNanos time between steps, 0 for none
     */
    public StampingGuest(GuestMemory memory, AtomicInteger running, long seed, long workingSetPages, long pauseNanos) {
        this.memory = memory;
        this.running = running;
        this.seed = seed;
        this.workingSetWords = workingSetPages * 512;
        this.pauseNanos = pauseNanos;
    }

    private static long mix(long value) {
        long z = value * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        return z ^ (z >>> 27);
    }

    private void run() {
        while (!stop) {
            long address = Long.remainderUnsigned(mix(seed + step), workingSetWords) * 8;
            checksum = mix(checksum + memory.getLong(address));
            memory.putLong(address, checksum ^ step);
            step++;
            visibleStep = step;
            if (pauseNanos > 0) {
                LockSupport.parkNanos(pauseNanos);
            }
        }
    }

    /** Whether memory and checksum are what this many steps make of memory filled by {@link Patterns}. */
    public boolean isRight(GuestMemory all, long patternSeed) {
        long words = all.sizeBytes() / 8;
        long[] expected = new long[Math.toIntExact(words)];
        for (int i = 0; i < words; i++) {
            expected[i] = Patterns.wordAt(i * 8L, patternSeed);
        }
        long sum = 0;
        for (long n = 0; n < step; n++) {
            int word = (int) Long.remainderUnsigned(mix(seed + n), workingSetWords);
            sum = mix(sum + expected[word]);
            expected[word] = sum ^ n;
        }
        for (int i = 0; i < words; i++) {
            if (all.getLong(i * 8L) != expected[i]) {
                System.out.printf("word %d of page %d is wrong after %d steps%n", i % 512, i / 512, step);
                return false;
            }
        }
        return sum == checksum;
    }

    /** Steps done; while it runs, a recent value. */
    public long steps() {
        return visibleStep;
    }

    @Override
    public synchronized void resume() {
        if (thread != null) {
            return;
        }
        if (running.incrementAndGet() != 1) {
            throw new IllegalStateException("two guests run");
        }
        stop = false;
        Thread started = new Thread(this::run, "stamping-guest");
        started.setDaemon(true);
        started.start();
        thread = started;
    }

    @Override
    public synchronized void pause() {
        Thread started = thread;
        if (started == null) {
            return;
        }
        stop = true;
        try {
            started.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        thread = null;
        running.decrementAndGet();
    }

    @Override
    public byte[] saveCpuState() {
        return ByteBuffer.allocate(16).putLong(step).putLong(checksum).array();
    }

    @Override
    public void restoreCpuState(byte[] state) {
        ByteBuffer saved = ByteBuffer.wrap(state);
        step = saved.getLong();
        checksum = saved.getLong();
        visibleStep = step;
    }

    @Override
    public void close() {
        pause();
    }
}
