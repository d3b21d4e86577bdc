package org.userload.destination;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.userload.destination.ArrivalMap.Way;
import org.userload.fault.FaultInterceptor;
import org.userload.linux.NativeMemory;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Puts pages in place, only where they are still missing, and counts how each came. Whoever installs the last missing
 * page tells that all are in.
 *
 * <p>In a session with rounds there is a time before that: until {@link #endRounds} the guest does not run here, a page
 * that comes again replaces the one that is in place, and pages can be called back.
 *
 * <p><b>Threads.</b> Any loop; in rounds the stream loop alone.
 */
final class PageInstaller {
    /** How a page came. */
    enum Arrival {
        DEMAND,
        STREAM
    }

    /** Counts as a missing page until the rounds have ended, so that the session is not complete before. */
    private static final int ROUNDS_TOKEN = 1;

    private final GuestMemory memory;
    private final FaultInterceptor interceptor;
    private final Runnable onLastPage;
    private final AtomicLong remaining;
    private final LongAdder demand = new LongAdder();
    private final LongAdder stream = new LongAdder();
    private final LongAdder zero = new LongAdder();
    private final LongAdder duplicate = new LongAdder();
    private final LongAdder inRounds = new LongAdder();
    private final ArrivalMap arrivals;
    private volatile boolean rounds;

    /** @param rounds whether the session begins with rounds */
    PageInstaller(GuestMemory memory, FaultInterceptor interceptor, boolean rounds, Runnable onLastPage) {
        this.memory = memory;
        this.interceptor = interceptor;
        this.onLastPage = onLastPage;
        this.rounds = rounds;
        this.arrivals = new ArrivalMap(memory);
        this.remaining = new AtomicLong(memory.table().totalPages() + (rounds ? ROUNDS_TOKEN : 0));
    }

    boolean isInRounds() {
        return rounds;
    }

    /** The guest is about to run here: from now on a page in place is the guest's own. Once. */
    void endRounds() {
        rounds = false;
    }

    /** The guest runs here: the session may be complete. Once, after {@link #endRounds}. */
    void guestRuns() {
        settle(ROUNDS_TOKEN);
    }

    MemoryRegion region(int index) {
        return memory.region(index);
    }

    /** Installs whole pages from the buffer's reader index on. */
    void install(Arrival arrival, int region, long firstPage, int count, ByteBuf bytes) {
        MemoryRegion target = memory.region(region);
        if (rounds) {
            putInRound(target, firstPage, count, addressOf(bytes));
            return;
        }
        int installed = interceptor.install(target, firstPage, count, addressOf(bytes));
        boolean onDemand = arrival == Arrival.DEMAND;
        (onDemand ? demand : stream).add(installed);
        if (installed > 0) {
            arrivals.arrived(onDemand ? Way.DEMAND : Way.STREAM, region, firstPage, count);
        }
        account(count, installed);
    }

    /** Installs zero pages. */
    void installZero(int region, long firstPage, int count) {
        MemoryRegion target = memory.region(region);
        if (rounds) {
            putZerosInRound(target, firstPage, count);
            return;
        }
        int installed = interceptor.installZero(target, firstPage, count);
        zero.add(installed);
        if (installed > 0) {
            arrivals.arrived(Way.ZERO, region, firstPage, count);
        }
        account(count, installed);
    }

    /** Overwrites what is in place, which nobody looks at yet, and installs the rest. */
    private void putInRound(MemoryRegion target, long firstPage, int count, long address) {
        arrivals.arrived(Way.PRECOPY, target.index(), firstPage, count);
        int shift = target.pageShift();
        long end = firstPage + count;
        long page = firstPage;
        while (page < end) {
            boolean present = target.received().get(page);
            long stop = present
                    ? target.received().nextClear(page, end)
                    : target.received().nextSet(page, end);
            long from = address + ((page - firstPage) << shift);
            if (present) {
                NativeMemory.copy(target.hostAddressOf(page), from, (stop - page) << shift);
            } else {
                settleRound(interceptor.install(target, page, (int) (stop - page), from));
            }
            page = stop;
        }
    }

    private void putZerosInRound(MemoryRegion target, long firstPage, int count) {
        arrivals.arrived(Way.PRECOPY, target.index(), firstPage, count);
        long end = firstPage + count;
        long page = firstPage;
        while (page < end) {
            boolean present = target.received().get(page);
            long stop = present
                    ? target.received().nextClear(page, end)
                    : target.received().nextSet(page, end);
            if (present) {
                NativeMemory.zero(target.hostAddressOf(page), (stop - page) << target.pageShift());
            } else {
                settleRound(interceptor.installZero(target, page, (int) (stop - page)));
            }
            page = stop;
        }
    }

    private void settleRound(int installed) {
        inRounds.add(installed);
        settle(installed);
    }

    /** Makes pages missing again. Only in rounds. */
    void discard(int region, long firstPage, int count) {
        long discarded = interceptor.discard(memory.region(region), firstPage, count);
        inRounds.add(-discarded);
        remaining.addAndGet(discarded);
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

    ArrivalMap arrivals() {
        return arrivals;
    }

    /** Pages that are not in place yet. */
    long remaining() {
        return remaining.get();
    }

    PageCounts counts() {
        return new PageCounts(
                memory.table().totalPages(),
                demand.sum(),
                stream.sum(),
                inRounds.sum(),
                zero.sum(),
                0,
                duplicate.sum());
    }
}
