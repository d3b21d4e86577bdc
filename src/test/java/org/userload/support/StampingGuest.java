package org.userload.support;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.Guest;

/**
 * A guest that reads and writes its memory without end: step {@code n} reads one word, folds it into a checksum, and
 * writes a word that depends on both; now and then it clears the whole page instead. So a single lost or old page changes
 * everything that follows, and the same steps on a plain array tell what is right.
 */
public final class StampingGuest implements Guest, AutoCloseable {
    private static final int PAGE_WORDS = 512;
    private static final long STEPS_PER_CLEARED_PAGE = 64;

    private final byte[] zeros = new byte[PAGE_WORDS * Long.BYTES];
    private final GuestMemory memory;
    private final RegionTable table;
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
     * @param workingSetPages pages that it touches: the first of memory, through all regions
     * @param pauseNanos time between steps, 0 for none
     */
    public StampingGuest(GuestMemory memory, AtomicInteger running, long seed, long workingSetPages, long pauseNanos) {
        this.memory = memory;
        this.table = memory.table();
        this.running = running;
        this.seed = seed;
        this.workingSetWords = workingSetPages * PAGE_WORDS;
        this.pauseNanos = pauseNanos;
    }

    private static long mix(long value) {
        long z = value * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        return z ^ (z >>> 27);
    }

    private void run() {
        while (!stop) {
            long word = wordOf(step);
            checksum = mix(checksum + memory.getLong(addressOf(word)));
            if (clearsPage(step)) {
                memory.put(addressOf(word / PAGE_WORDS * PAGE_WORDS), zeros, 0, zeros.length);
            } else {
                memory.putLong(addressOf(word), checksum ^ step);
            }
            step++;
            visibleStep = step;
            if (pauseNanos > 0) {
                LockSupport.parkNanos(pauseNanos);
            }
        }
    }

    private long wordOf(long n) {
        return Long.remainderUnsigned(mix(seed + n), workingSetWords);
    }

    private boolean clearsPage(long n) {
        return Long.remainderUnsigned(mix(seed ^ ~n), STEPS_PER_CLEARED_PAGE) == 0;
    }

    /** Where a word of all memory lies, the regions counted one after the other. */
    private long addressOf(long word) {
        long left = word;
        for (RegionTable.Entry entry : table.entries()) {
            if (left < entry.pageCount() * PAGE_WORDS) {
                return entry.guestAddress() + left * Long.BYTES;
            }
            left -= entry.pageCount() * PAGE_WORDS;
        }
        throw new IllegalArgumentException("no word " + word);
    }

    /** Whether memory and checksum are what this many steps make of memory filled by {@link Patterns}. */
    public boolean isRight(GuestMemory all, long patternSeed) {
        long[] expected = new long[Math.toIntExact(all.sizeBytes() / Long.BYTES)];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = Patterns.wordAt(addressOf(i), patternSeed);
        }
        long sum = 0;
        for (long n = 0; n < step; n++) {
            int word = (int) wordOf(n);
            sum = mix(sum + expected[word]);
            if (clearsPage(n)) {
                int page = word / PAGE_WORDS * PAGE_WORDS;
                Arrays.fill(expected, page, page + PAGE_WORDS, 0);
            } else {
                expected[word] = sum ^ n;
            }
        }
        for (int i = 0; i < expected.length; i++) {
            if (all.getLong(addressOf(i)) != expected[i]) {
                System.out.printf("word %d of page %d is wrong after %d steps%n", i % PAGE_WORDS, i / PAGE_WORDS, step);
                return false;
            }
        }
        if (sum != checksum) {
            System.out.printf("the checksum is wrong after %d steps%n", step);
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
