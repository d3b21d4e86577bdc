package org.userload.destination;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.userload.destination.ArrivalMap.Way;
import org.userload.fault.FaultInterceptor;
import org.userload.fault.FaultInterceptor.Taken;
import org.userload.fault.Released;
import org.userload.linux.NativeMemory;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.protocol.ProtocolException;

/**
 * Puts pages in place, only where they are still missing, and counts how each came. Zero and free pages that come unasked are
 * not put in place but known. Whoever settles the last missing page tells that none is missing.
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
    private final LongAdder free = new LongAdder();
    private final LongAdder duplicate = new LongAdder();
    private final LongAdder inRounds = new LongAdder();
    private final LongAdder blocksMoved = new LongAdder();
    private final LongAdder blocksCopied = new LongAdder();
    private final ArrivalMap arrivals;
    private final MarkedPages marked;

    /** What free pages hold in this session, once it is known. */
    private final AtomicReference<@Nullable Long> freeWord = new AtomicReference<>();

    private volatile boolean rounds;

    /** @param rounds whether the session begins with rounds */
    PageInstaller(GuestMemory memory, FaultInterceptor interceptor, boolean rounds, Runnable onLastPage) {
        this.memory = memory;
        this.interceptor = interceptor;
        this.onLastPage = onLastPage;
        this.rounds = rounds;
        this.arrivals = new ArrivalMap(memory);
        this.marked = new MarkedPages(memory, rounds);
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
            putInRound(target, firstPage, count, addressOf(bytes), false);
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

    /** As {@link #install}, of a whole block of the stream, whose memory may be taken. */
    void installBlock(int region, long firstPage, int count, long address) {
        MemoryRegion target = memory.region(region);
        if (rounds) {
            putInRound(target, firstPage, count, address, true);
            return;
        }
        int installed = take(target, firstPage, count, address);
        stream.add(installed);
        if (installed > 0) {
            arrivals.arrived(Way.STREAM, region, firstPage, count);
        }
        account(count, installed);
    }

    private int take(MemoryRegion target, long firstPage, int count, long address) {
        Taken taken = interceptor.take(target, firstPage, count, address);
        (taken.moved() == count ? blocksMoved : blocksCopied).increment();
        return taken.moved() + taken.copied();
    }

    /** Whether all of these pages are missing at this moment, so that a block of them could be moved into place. */
    boolean areMissing(int region, long firstPage, int count) {
        return interceptor.areMissing(memory.region(region), firstPage, count);
    }

    /** Blocks whose memory became guest memory, and those that had to be copied in part or as a whole. */
    BlockCounts blocks(long collapsed) {
        return new BlockCounts(blocksMoved.sum(), blocksCopied.sum(), collapsed);
    }

    /** Pages that threads have put in place themselves. */
    void fetched(int region, long firstPage, int count) {
        demand.add(count);
        arrivals.arrived(Way.DEMAND, region, firstPage, count);
        settle(count);
    }

    /** Pages that came to such a thread when they were in place. */
    void countDuplicates(long pages) {
        duplicate.add(pages);
    }

    /** Zero pages that came unasked. */
    void knowZero(int region, long firstPage, int count) {
        know(Way.ZERO, region, firstPage, count, 0);
    }

    /** Zero pages that somebody waits for. */
    void installZero(int region, long firstPage, int count) {
        account(
                Way.ZERO,
                region,
                firstPage,
                count,
                interceptor.installFilled(memory.region(region), firstPage, count, 0));
    }

    /**
     * Free pages that came unasked.
     *
     * @throws ProtocolException when free pages hold another word by now
     */
    void knowFree(int region, long firstPage, int count, long word) {
        checkFreeWord(word);
        know(Way.FREE, region, firstPage, count, word);
    }

    /** Free pages that somebody waits for; otherwise as {@link #knowFree}. */
    void installFree(int region, long firstPage, int count, long word) {
        checkFreeWord(word);
        account(
                Way.FREE,
                region,
                firstPage,
                count,
                interceptor.installFilled(memory.region(region), firstPage, count, word));
    }

    private void checkFreeWord(long word) {
        Long before = freeWord.get();
        if (before == null) {
            before = freeWord.compareAndSet(null, word) ? Long.valueOf(word) : freeWord.get();
        }
        if (before == null || before != word) {
            throw new ProtocolException(
                    String.format("free pages hold 0x%x, after a FREE frame that said 0x%x", word, before));
        }
    }

    private void know(Way way, int region, long firstPage, int count, long word) {
        MemoryRegion target = memory.region(region);
        if (rounds) {
            arrivals.arrived(way, region, firstPage, count);
            discard(region, firstPage, count);
            if (way == Way.FREE) {
                marked.free(region, firstPage, count);
            } else {
                marked.zero(region, firstPage, count);
            }
            settleRound(interceptor.know(target, firstPage, count, word));
            return;
        }
        account(way, region, firstPage, count, interceptor.know(target, firstPage, count, word));
    }

    private void account(Way way, int region, long firstPage, int count, long settled) {
        (way == Way.FREE ? free : zero).add(settled);
        if (settled > 0) {
            arrivals.arrived(way, region, firstPage, count);
        }
        account(count, settled);
    }

    /** The guest has released these pages: whatever is missing of them need not come. Not in rounds. */
    Released release(int region, long firstPage, long count) {
        Released released = interceptor.release(memory.region(region), firstPage, count);
        free.add(released.missing());
        return released;
    }

    /** What is known of these pages is put in place, for who changes them. Only in rounds. */
    void putKnownInPlace(int region, long firstPage, int count) {
        interceptor.putKnownInPlace(memory.region(region), firstPage, count);
    }

    /** Overwrites what is in place, which nobody looks at yet, and installs the rest. */
    private void putInRound(MemoryRegion target, long firstPage, int count, long address, boolean isBlock) {
        arrivals.arrived(Way.PRECOPY, target.index(), firstPage, count);
        marked.unmarked(target.index(), firstPage, count);
        long forgotten = interceptor.forget(target, firstPage, count);
        inRounds.add(-forgotten);
        remaining.addAndGet(forgotten);
        int shift = target.pageShift();
        long end = firstPage + count;
        long page = firstPage;
        while (page < end) {
            boolean present = target.received().get(page);
            long stop = present
                    ? target.received().nextClear(page, end)
                    : target.received().nextSet(page, end);
            long from = address + ((page - firstPage) << shift);
            if (!present && isBlock && stop - page == count) {
                settleRound(take(target, page, count, from));
            } else if (present) {
                NativeMemory.copy(target.hostAddressOf(page), from, (stop - page) << shift);
            } else {
                settleRound(interceptor.install(target, page, (int) (stop - page), from));
            }
            page = stop;
        }
    }

    private void settleRound(long installed) {
        inRounds.add(installed);
        settle(installed);
    }

    /** Makes pages missing again. Only in rounds. */
    void discard(int region, long firstPage, int count) {
        marked.unmarked(region, firstPage, count);
        long discarded = interceptor.discard(memory.region(region), firstPage, count);
        inRounds.add(-discarded);
        remaining.addAndGet(discarded);
    }

    /** Pages that no longer need to come; those of {@link #release} once the source was told. */
    void forget(long pages) {
        settle(pages);
    }

    private void account(int count, long installed) {
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

    /** Pages that are neither in place nor known. */
    long remaining() {
        return remaining.get();
    }

    PageCounts counts() {
        long zeroInRounds = marked.zeroPages();
        long freeInRounds = marked.freePages();
        return new PageCounts(
                memory.table().totalPages(),
                demand.sum(),
                stream.sum(),
                Math.max(0, inRounds.sum() - zeroInRounds - freeInRounds),
                zero.sum() + zeroInRounds,
                free.sum() + freeInRounds,
                duplicate.sum());
    }
}
