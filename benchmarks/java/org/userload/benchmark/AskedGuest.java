package org.userload.benchmark;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.userload.hint.Balloon;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.trace.ColdPages;
import org.userload.trace.ReplayedChannel;

/** A guest that writes to 64 MiB of its memory as fast as it can, and that may be asked for its free pages meanwhile. One thread. */
final class AskedGuest implements AutoCloseable {
    private static final int WRITTEN_PAGES = 1 << 14;
    private static final int PAGE_SHIFT = 12;
    private static final int WRITES_PER_LOOK = 4096;
    private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final GuestMemory memory;
    private final ReplayedChannel channel;
    private final Pattern.Random random = new Pattern.Random(Pattern.SEED);
    private int id;

    private AskedGuest(long pages) {
        memory = GuestMemory.present(RegionTable.single(pages));
        ColdPages cold = ColdPages.of(WRITTEN_PAGES, pages - WRITTEN_PAGES, new ColdPages.Shares(0, 0.9, 0), 1);
        channel = ReplayedChannel.open(cold, Balloon.empty(memory, 0));
    }

    static AskedGuest open(long pages) {
        return new AskedGuest(pages);
    }

    /** Writes for so long; if asked, every 100 ms for all free pages. */
    double writesPerSecond(boolean asked, Duration window) throws InterruptedException, ExecutionException {
        long start = System.nanoTime();
        long end = start + window.toNanos();
        long nextAsk = start;
        long writes = 0;
        long now = start;
        while (now < end) {
            if (asked && now >= nextAsk) {
                channel.freePageReporter().report(++id, (address, pages) -> {});
                nextAsk += ASK_NANOS;
            }
            for (int i = 0; i < WRITES_PER_LOOK; i++) {
                memory.putLong((long) random.below(WRITTEN_PAGES) << PAGE_SHIFT, writes + i);
            }
            writes += WRITES_PER_LOOK;
            now = System.nanoTime();
        }
        channel.freePageReporter().stop(id);
        return writes * 1e9 / (now - start);
    }

    @Override
    public void close() {
        channel.close();
        memory.close();
    }
}
