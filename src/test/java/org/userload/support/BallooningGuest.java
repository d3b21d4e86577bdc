package org.userload.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.userload.hint.Balloon;
import org.userload.hint.HintResult;
import org.userload.hint.MemoryChunks;
import org.userload.hint.RangeBatch;
import org.userload.memory.GuestMemory;
import org.userload.migration.Guest;

/**
 * A guest that reads and writes memory, lends pages, takes them back, and has chunks of memory come and go, all without end.
 * What it does in step {@code n} depends on the steps before alone, so the same steps on plain arrays tell what is right. Pages
 * that are lent, or no memory, are zero.
 */
public final class BallooningGuest implements Guest, AutoCloseable {
    public static final int BOOT_PAGES = 700;
    public static final int CHUNK_PAGES = 16;
    public static final int CHUNKS = 40;
    public static final int PAGES = BOOT_PAGES + CHUNKS * CHUNK_PAGES;

    /** First page of the chunks, by guest address. */
    public static final long FIRST_HOT_PAGE = 1L << 20;

    private static final int PAGE_WORDS = 512;

    private final @Nullable GuestMemory memory;
    private final long seed;
    private final int pauseMicros;
    private final BitSet lent = new BitSet();
    private final BitSet plugged = new BitSet();
    private final long[] model;
    private @Nullable Balloon balloon;
    private @Nullable MemoryChunks chunks;
    private long step;
    private long checksum;
    private final AtomicLong balloonChanges = new AtomicLong();
    private volatile boolean stop;
    private @Nullable Thread thread;

    public BallooningGuest(GuestMemory memory, long seed, int pauseMicros) {
        this(memory, seed, pauseMicros, new long[0]);
    }

    private BallooningGuest(@Nullable GuestMemory memory, long seed, int pauseMicros, long[] model) {
        this.memory = memory;
        this.seed = seed;
        this.pauseMicros = pauseMicros;
        this.model = model;
    }

    public void use(Balloon mine) {
        balloon = mine;
        chunks = new MemoryChunks(mine, FIRST_HOT_PAGE, CHUNK_PAGES, CHUNKS, chunk -> {});
    }

    /** Changes of balloon and chunks so far. */
    public long balloonChanges() {
        return balloonChanges.get();
    }

    private static long mix(long value) {
        long z = value * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        return z ^ (z >>> 27);
    }

    private static long guestPage(int page) {
        return page < BOOT_PAGES ? page : FIRST_HOT_PAGE + page - BOOT_PAGES;
    }

    private static boolean isDone(HintResult result) {
        if (result instanceof HintResult.Refused refused) {
            assertThat(refused.reason().name()).isEqualTo("MOVING");
            return false;
        }
        return true;
    }

    /** Whether the host has done it; not so while the guest is being handed over. */
    private boolean change(int page, int pages, boolean inflate) {
        if (balloon != null) {
            RangeBatch message = new RangeBatch().add(guestPage(page), pages);
            if (!isDone(inflate ? balloon.inflate(message) : balloon.deflate(message))) {
                return false;
            }
        }
        lent.set(page, page + pages, inflate);
        if (inflate && memory == null) {
            for (int i = page * PAGE_WORDS; i < (page + pages) * PAGE_WORDS; i++) {
                model[i] = 0;
            }
        }
        balloonChanges.incrementAndGet();
        return true;
    }

    private boolean changeChunk(int chunk, boolean plug) {
        if (chunks != null && !isDone(plug ? chunks.plug(chunk) : chunks.remove(chunk))) {
            return false;
        }
        plugged.set(chunk, plug);
        lent.set(BOOT_PAGES + chunk * CHUNK_PAGES, BOOT_PAGES + (chunk + 1) * CHUNK_PAGES);
        balloonChanges.incrementAndGet();
        return true;
    }

    /** Whether the step was done. */
    private boolean step() {
        long dice = mix(seed ^ mix(step));
        int page = (int) Long.remainderUnsigned(mix(dice + 1), PAGES);
        int kind = (int) Long.remainderUnsigned(mix(dice + 2), 16);
        int length = 1 + (int) Long.remainderUnsigned(mix(dice + 3), kind == 0 ? 60 : 3);
        boolean hot = page >= BOOT_PAGES;
        int chunk = (page - BOOT_PAGES) / CHUNK_PAGES;
        int end = Math.min(page + length, hot ? BOOT_PAGES + (chunk + 1) * CHUNK_PAGES : BOOT_PAGES);
        if (hot && !plugged.get(chunk)) {
            return changeChunk(chunk, true);
        }
        if (lent.get(page)) {
            int first = BOOT_PAGES + chunk * CHUNK_PAGES;
            if (hot && kind < 6 && lent.nextClearBit(first) >= first + CHUNK_PAGES) {
                return changeChunk(chunk, false);
            }
            return change(page, Math.min(end, lent.nextClearBit(page)) - page, false);
        }
        if (kind < 4) {
            int next = lent.nextSetBit(page);
            return change(page, (next < 0 ? end : Math.min(end, next)) - page, true);
        }
        int word = (int) Long.remainderUnsigned(mix(dice + 4), PAGE_WORDS);
        long address = (guestPage(page) << 12) + 8L * word;
        int index = page * PAGE_WORDS + word;
        checksum = mix(checksum + (memory == null ? model[index] : memory.getLong(address)));
        if (memory == null) {
            model[index] = checksum ^ step;
        } else {
            memory.putLong(address, checksum ^ step);
        }
        return true;
    }

    private void run() {
        while (!stop) {
            if (step()) {
                step++;
            }
            if (pauseMicros > 0) {
                LockSupport.parkNanos(pauseMicros * 1000L);
            }
        }
    }

    /** Every byte, the checksum, and what host and guest think is lent. */
    public void assertRight() {
        GuestMemory all = memory;
        BallooningGuest right = new BallooningGuest(null, seed, 0, new long[PAGES * PAGE_WORDS]);
        while (right.step < step) {
            right.step();
            right.step++;
        }
        assertThat(checksum).isEqualTo(right.checksum);
        assertThat(lent).isEqualTo(right.lent);
        for (int i = 0; all != null && i < right.model.length; i++) {
            long value = all.getLong((guestPage(i / PAGE_WORDS) << 12) + 8L * (i % PAGE_WORDS));
            if (value != right.model[i]) {
                throw new AssertionError(String.format(
                        "word %d of page %d is %x, not %x, after %d steps; lent: %s",
                        i % PAGE_WORDS, i / PAGE_WORDS, value, right.model[i], step, lent.get(i / PAGE_WORDS)));
            }
        }
        long hostHas = balloon == null ? -1 : balloon.pages();
        long unplugged = (long) (CHUNKS - plugged.cardinality()) * CHUNK_PAGES;
        BitSet known = (BitSet) lent.clone();
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            for (int page = BOOT_PAGES + chunk * CHUNK_PAGES; page < BOOT_PAGES + (chunk + 1) * CHUNK_PAGES; page++) {
                known.set(page, !plugged.get(chunk) || lent.get(page));
            }
        }
        assertThat(hostHas).isEqualTo(known.cardinality() - unplugged);
    }

    @Override
    public synchronized void resume() {
        if (thread == null) {
            stop = false;
            Thread started = new Thread(this::run, "ballooning-guest");
            started.setDaemon(true);
            started.start();
            thread = started;
        }
    }

    @Override
    public synchronized void pause() {
        Thread started = thread;
        if (started != null) {
            stop = true;
            try {
                started.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            thread = null;
        }
    }

    @Override
    public byte[] saveCpuState() {
        byte[] pages = lent.toByteArray();
        byte[] there = plugged.toByteArray();
        return ByteBuffer.allocate(24 + pages.length + there.length)
                .putLong(step)
                .putLong(checksum)
                .putInt(pages.length)
                .putInt(there.length)
                .put(pages)
                .put(there)
                .array();
    }

    @Override
    public void restoreCpuState(byte[] state) {
        ByteBuffer from = ByteBuffer.wrap(state);
        step = from.getLong();
        checksum = from.getLong();
        byte[] pages = new byte[from.getInt()];
        byte[] there = new byte[from.getInt()];
        from.get(pages).get(there);
        lent.or(BitSet.valueOf(pages));
        plugged.or(BitSet.valueOf(there));
    }

    @Override
    public void close() {
        pause();
    }
}
