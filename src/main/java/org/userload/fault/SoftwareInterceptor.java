package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Mapping;
import org.userload.linux.NativeMemory;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageUnavailableException;

/**
 * Interception without help from the kernel: the page-access layer finds a page missing, asks for it and parks the
 * thread until it is there.
 *
 * <p>A page goes from MISSING to CLAIMED to PRESENT. The state is two bits: claimed, set by compare-and-set before the
 * copy, so that one installer writes a page, and received, set after it, so that nobody reads half a page.
 *
 * <p>Only accesses through {@link GuestMemory} are intercepted; native code that uses an address must make the page
 * present first.
 */
public final class SoftwareInterceptor implements FaultInterceptor {
    private final FaultStatistics statistics = new FaultStatistics();
    private final PageWaiters waiters = new PageWaiters();

    /** Made once: one for each wait would be what a fault allocates. */
    private final BooleanSupplier stopped = this::isStopped;

    private volatile @Nullable Started started;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;

    /** What {@link #start} brings. */
    private record Started(GuestMemory memory, ClaimedPages claimed, FaultQueue faults) {}

    @Override
    public String name() {
        return "software";
    }

    @Override
    public FaultStatistics statistics() {
        return statistics;
    }

    @Override
    public void start(GuestMemory memory, IoEventLoop loop, FaultListener listener) {
        started = new Started(memory, new ClaimedPages(memory), new FaultQueue(memory, loop, listener));
    }

    private Started started() {
        Started now = started;
        if (now == null) {
            throw new IllegalStateException("the interceptor is not started");
        }
        return now;
    }

    @Override
    public void awaitPage(int region, long page) {
        Started now = started();
        AtomicBitmap received = now.memory.region(region).received();
        long start = System.nanoTime();
        if (!isStopped()) {
            now.faults.offer(region, page);
            waiters.await(received, page, stopped);
        }
        statistics.record(System.nanoTime() - start);
        if (!received.get(page)) {
            Throwable reason = failure;
            String why = reason == null ? "the session was closed" : String.valueOf(reason.getMessage());
            throw new PageUnavailableException(region, page, why, reason);
        }
    }

    private boolean isStopped() {
        return closed || failure != null;
    }

    @Override
    public int install(MemoryRegion region, long firstPage, int count, long sourceAddress) {
        int shift = region.pageShift();
        int installed = 0;
        for (int i = 0; i < count; i++) {
            long page = firstPage + i;
            if (started().claimed.claim(region, page)) {
                NativeMemory.copy(region.hostAddressOf(page), sourceAddress + ((long) i << shift), 1L << shift);
                region.received().set(page);
                installed++;
            }
        }
        waiters.wake(firstPage, count);
        return installed;
    }

    /** Pages of a fresh mapping are zero already. */
    @Override
    public int installZero(MemoryRegion region, long firstPage, int count) {
        int installed = 0;
        for (int i = 0; i < count; i++) {
            long page = firstPage + i;
            if (started().claimed.claim(region, page)) {
                region.received().set(page);
                installed++;
            }
        }
        waiters.wake(firstPage, count);
        return installed;
    }

    /** The mapping drops the pages, too, since {@link #installZero} counts on their being zero. */
    @Override
    public long discard(MemoryRegion region, long firstPage, long count) {
        long present = region.received().clear(firstPage, count);
        Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift());
        started().claimed.release(region, firstPage, count);
        return present;
    }

    @Override
    public void complete() {
        waiters.wakeAll();
    }

    @Override
    public void fail(Throwable reason) {
        if (failure == null) {
            failure = reason;
        }
        waiters.wakeAll();
    }

    @Override
    public void close() {
        closed = true;
        waiters.wakeAll();
    }

    /** Which pages have found their installer. */
    private static final class ClaimedPages {
        private final AtomicBitmap[] byRegion;

        ClaimedPages(GuestMemory memory) {
            byRegion = new AtomicBitmap[memory.regionCount()];
            for (int i = 0; i < byRegion.length; i++) {
                byRegion[i] = new AtomicBitmap(memory.region(i).pageCount());
            }
        }

        boolean claim(MemoryRegion region, long page) {
            return byRegion[region.index()].set(page);
        }

        void release(MemoryRegion region, long firstPage, long count) {
            byRegion[region.index()].clear(firstPage, count);
        }
    }
}
