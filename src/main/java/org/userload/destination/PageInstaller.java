package org.userload.destination;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.userload.fault.FaultInterceptor;
import org.userload.linux.NativeMemory;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Puts pages in place, only where they are still missing, and counts how each came. Whoever installs the last missing
 * page tells that all are in.
 *
 * <p><b>Threads.</b> Any loop.
 */
final class PageInstaller {
    /** How a page came. */
    enum Arrival {
        DEMAND,
        STREAM
    }

    private final GuestMemory memory;
    private final FaultInterceptor interceptor;
    private final Runnable onLastPage;
    private final AtomicLong remaining;
    private final LongAdder demand = new LongAdder();
    private final LongAdder stream = new LongAdder();
    private final LongAdder zero = new LongAdder();
    private final LongAdder duplicate = new LongAdder();

    PageInstaller(GuestMemory memory, FaultInterceptor interceptor, Runnable onLastPage) {
        this.memory = memory;
        this.interceptor = interceptor;
        this.onLastPage = onLastPage;
        this.remaining = new AtomicLong(memory.table().totalPages());
    }

    /** Installs whole pages from the buffer's reader index on. */
    void install(Arrival arrival, int region, long firstPage, int count, ByteBuf bytes) {
        MemoryRegion target = memory.region(region);
        int installed = interceptor.install(target, firstPage, count, addressOf(bytes));
        (arrival == Arrival.DEMAND ? demand : stream).add(installed);
        account(count, installed);
    }

    /** Installs zero pages. */
    void installZero(int region, long firstPage, int count) {
        int installed = interceptor.installZero(memory.region(region), firstPage, count);
        zero.add(installed);
        account(count, installed);
    }

    /** Pages that no longer need to come. */
    void forget(long pages) {
        settle(pages);
    }

    private void account(int count, int installed) {
        if (installed < count) {
            duplicate.add(count - installed);
        }
        settle(installed);
    }

    private void settle(long pages) {
        if (pages > 0 && remaining.addAndGet(-pages) == 0) {
            onLastPage.run();
        }
    }

    private static long addressOf(ByteBuf bytes) {
        return bytes.hasMemoryAddress()
                ? bytes.memoryAddress() + bytes.readerIndex()
                : NativeMemory.addressOf(bytes.nioBuffer());
    }

    /** Pages that are not in place yet. */
    long remaining() {
        return remaining.get();
    }

    PageCounts counts() {
        return new PageCounts(memory.table().totalPages(), demand.sum(), stream.sum(), zero.sum(), 0, duplicate.sum());
    }
}
