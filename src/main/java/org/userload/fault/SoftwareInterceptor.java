package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
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
 * copy, so that one installer writes a page, and received, set after it, so that nobody reads half a page. A page that is known
 * to be filled with the pattern is CLAIMED and has a third bit, unfilled: whoever takes that away fills the page, be it the
 * thread that touches it.
 *
 * <p>Only accesses through {@link GuestMemory} are intercepted; native code that uses an address must make the page
 * present first.
 */
public final class SoftwareInterceptor implements FaultInterceptor {
    private final FaultStatistics statistics = new FaultStatistics();
    private final PageWaiters waiters = new PageWaiters();
    private final PatternPages pattern = new PatternPages();

    /** Made once: one for each wait would be what a fault allocates. */
    private final BooleanSupplier stopped = this::isStopped;

    private volatile @Nullable Started started;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;
    private volatile boolean completed;

    /** How far known pages were put in place for the end. */
    private int fillRegion;

    private long fillPage;

    /**
     * What {@link #start} brings.
     *
     * @param claimed pages that have found their installer, or are known
     * @param unfilled known pages that hold the pattern and are not in place; who clears a bit fills the page
     */
    private record Started(
            GuestMemory memory, List<AtomicBitmap> claimed, List<AtomicBitmap> unfilled, FaultQueue faults) {}

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
        List<AtomicBitmap> claimed = bitmaps(memory);
        started = new Started(memory, claimed, bitmaps(memory), new FaultQueue(claimed, loop, listener));
    }

    private static List<AtomicBitmap> bitmaps(GuestMemory memory) {
        return IntStream.range(0, memory.regionCount())
                .mapToObj(region -> new AtomicBitmap(memory.region(region).pageCount()))
                .toList();
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
        MemoryRegion touched = now.memory.region(region);
        AtomicBitmap received = touched.received();
        AtomicBitmap unfilled = now.unfilled.get(region);
        long start = System.nanoTime();
        while (!received.get(page) && !fill(touched, unfilled, page) && !isStopped()) {
            now.faults.offer(region, page);
            waiters.await(received, unfilled, page, stopped);
        }
        statistics.record(System.nanoTime() - start);
        if (!received.get(page)) {
            throw PageUnavailableException.of(region, page, failure, "the session was closed");
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
            if (started().claimed.get(region.index()).set(page)) {
                NativeMemory.copy(region.hostAddressOf(page), sourceAddress + ((long) i << shift), 1L << shift);
                region.received().set(page);
                installed++;
            }
        }
        waiters.wake(firstPage, count);
        return installed;
    }

    /** A waiter that is woken fills its page itself. */
    @Override
    public int installFilled(MemoryRegion region, long firstPage, int count, long word) {
        return (int) know(region, firstPage, count, word);
    }

    /** Pages of a fresh mapping are zero: so zero pages are in place at once. */
    @Override
    public long know(MemoryRegion region, long firstPage, long count, long word) {
        Started now = started();
        AtomicBitmap becomes = region.received();
        if (word != 0) {
            pattern.prepare(word, region.pageShift());
            becomes = now.unfilled.get(region.index());
        }
        long known = now.claimed.get(region.index()).setAndPassOn(firstPage, count, becomes);
        waiters.wake(firstPage, count);
        return known;
    }

    /** Fills a page that is known to hold the pattern and not in place; false when it is no such page. */
    private boolean fill(MemoryRegion region, AtomicBitmap unfilled, long page) {
        if (!unfilled.get(page) || !unfilled.clear(page)) {
            return false;
        }
        NativeMemory.copy(region.hostAddressOf(page), pattern.address(), 1L << region.pageShift());
        region.received().set(page);
        waiters.wake(page, 1);
        return true;
    }

    @Override
    public long forget(MemoryRegion region, long firstPage, long count) {
        AtomicBitmap unfilled = started().unfilled.get(region.index());
        long forgotten = 0;
        long end = firstPage + count;
        for (long page = unfilled.nextSet(firstPage, end); page < end; page = unfilled.nextSet(page, end)) {
            long stop = unfilled.nextClear(page, end);
            forgotten += unfilled.clear(page, stop - page);
            started().claimed.get(region.index()).clear(page, stop - page);
            page = stop;
        }
        return forgotten;
    }

    @Override
    public void putKnownInPlace(MemoryRegion region, long firstPage, int count) {
        AtomicBitmap unfilled = started().unfilled.get(region.index());
        for (long page = firstPage; page < firstPage + count; page++) {
            fill(region, unfilled, page);
        }
    }

    @Override
    public boolean fillKnown(int most) {
        Started now = started();
        int left = most;
        while (fillRegion < now.memory.regionCount() && left > 0) {
            MemoryRegion region = now.memory.region(fillRegion);
            AtomicBitmap unfilled = now.unfilled.get(fillRegion);
            fillPage = unfilled.nextSet(fillPage, region.pageCount());
            if (fillPage == region.pageCount()) {
                awaitCopies(region, 0, region.pageCount());
                fillRegion++;
                fillPage = 0;
            } else {
                fill(region, unfilled, fillPage);
                left--;
            }
        }
        return fillRegion == now.memory.regionCount();
    }

    /** The mapping drops the pages, too, since {@link #know} counts on their being zero. */
    @Override
    public long discard(MemoryRegion region, long firstPage, long count) {
        region.received().clear(firstPage, count);
        started().unfilled.get(region.index()).clear(firstPage, count);
        Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift());
        return started().claimed.get(region.index()).clear(firstPage, count);
    }

    @Override
    public Released release(MemoryRegion region, long firstPage, long count) {
        if (isStopped() && !completed) {
            throw new IllegalStateException("pages cannot be released: the session is over", failure);
        }
        AtomicBitmap received = region.received();
        AtomicBitmap unfilled = started().unfilled.get(region.index());
        long end = firstPage + count;
        long missing = started().claimed.get(region.index()).setAndPassOn(firstPage, count, received);
        for (long page = unfilled.nextSet(firstPage, end); page < end; page = unfilled.nextSet(page + 1, end)) {
            if (unfilled.clear(page)) {
                received.set(page);
            }
        }
        awaitCopies(region, firstPage, end);
        Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift());
        waiters.wake(firstPage, count);
        return new Released(missing, count - missing, 0);
    }

    /** Pages none of which is missing: those not in place are being copied by somebody else, who waits for nobody. */
    private static void awaitCopies(MemoryRegion region, long first, long end) {
        while (region.received().nextClear(first, end) < end) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void complete() {
        completed = true;
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
}
