package org.userload.hint;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.RegionTable;

/**
 * Which pages of a guest that is being moved need not be read: <i>free</i> ones, whose content does not matter to the guest, and
 * <i>empty</i> ones, which the host has dropped, so that they are zero.
 *
 * <p><b>Epochs.</b> A page that is used after it was hinted must be sent. What tells is the tracking of writes, and for this
 * the order matters: an epoch begins right after dirty pages were collected (the first after tracking has started), a hint is
 * asked for in an epoch and counts only while it lasts, and the next collection ends it.
 *
 * <p><b>Why no write is lost.</b> Take a page that is hinted in epoch <i>e</i>. It was free at a moment after the collection with which
 * <i>e</i> began. A write after that moment is not in that collection, so a later one reports it, and {@link #used} takes
 * the page out again. The hint itself cannot come after that collection and put the page back: it is taken under the lock under
 * which the collection has ended the epoch, and is stale then.
 *
 * <p><b>Threads.</b> Any thread reads, hints and drops; {@link #watch}, {@link #beginEpoch} and {@link #endEpoch} are for the
 * migrating thread, {@link #used} for that and for the {@link Balloon}.
 */
public final class FreePages {
    /** No epoch has this id. */
    public static final int NO_EPOCH = 0;

    private final RegionTable table;
    private final long pattern;
    private final AtomicBitmap[] free;
    private final AtomicBitmap[] empty;

    private final Map<HintOutcome, LongAdder> outcomes = new EnumMap<>(HintOutcome.class);
    private final Object lock = new Object();
    private boolean watched;
    private int lastEpoch;

    /** Changed under the lock; read without it by hints that are stale anyway, so that a flood of them keeps nobody waiting. */
    private volatile int epoch = NO_EPOCH;

    /** No page is free; where one is, it comes up as zero. */
    public FreePages(RegionTable table) {
        this(table, 0);
    }

    /**
     * No page is free.
     *
     * @param pattern what each little-endian 8 bytes of a free page hold at the destination
     */
    public FreePages(RegionTable table, long pattern) {
        this.table = table;
        this.pattern = pattern;
        this.free = bitmaps(table);
        this.empty = bitmaps(table);
        for (HintOutcome outcome : HintOutcome.values()) {
            outcomes.put(outcome, new LongAdder());
        }
    }

    private static AtomicBitmap[] bitmaps(RegionTable table) {
        return table.entries().stream()
                .map(entry -> new AtomicBitmap(entry.pageCount()))
                .toArray(AtomicBitmap[]::new);
    }

    /** What each little-endian 8 bytes of a free page hold at the destination. */
    public long pattern() {
        return pattern;
    }

    /** From now on writes are reported to {@link #used}, or the guest stands still: pages may be known as empty or free. */
    public void watch() {
        synchronized (lock) {
            watched = true;
        }
    }

    /**
     * Begins an epoch and gives its id, which no other epoch has. Right after a collection of dirty pages.
     *
     * @throws IllegalStateException when nobody watches writes
     */
    public int beginEpoch() {
        synchronized (lock) {
            if (!watched) {
                throw new IllegalStateException("hints count only while writes are tracked");
            }
            epoch = ++lastEpoch;
            return lastEpoch;
        }
    }

    /** From the return on no hint counts. Right before dirty pages are collected. */
    @SuppressWarnings("EmptyBlock") // whoever is in the middle of a hint has the lock
    public void endEpoch() {
        epoch = NO_EPOCH;
        synchronized (lock) {
        }
    }

    /**
     * A guest hints that pages are free. Pages that are free already are no error. A range may go on from one region into the
     * next if that begins where the first ends.
     *
     * @param id of the epoch in which the guest was asked
     */
    public HintOutcome hint(int id, long guestAddress, long pages) {
        HintOutcome outcome = checked(id, guestAddress, pages);
        count(outcome, 1);
        return outcome;
    }

    /**
     * Hints of one epoch, for a reporter. Those that come in one message take the lock once, and each range has an outcome of
     * its own; bits are taken a word at a time and have one outcome for the message.
     *
     * @param id of the epoch in which the guest is asked
     */
    public FreePageSink sink(int id) {
        return new FreePageSink() {
            @Override
            public void free(long guestAddress, long pages) {
                hint(id, guestAddress, pages);
            }

            @Override
            public void freeRanges(RangeBatch ranges) {
                synchronized (lock) {
                    long taken = 0;
                    for (int i = 0; i < ranges.size(); i++) {
                        HintOutcome outcome = checked(id, ranges.first(i) << MemoryMessage.PAGE_SHIFT, ranges.count(i));
                        if (outcome == HintOutcome.TAKEN) {
                            taken++;
                        } else {
                            count(outcome, 1);
                        }
                    }
                    count(HintOutcome.TAKEN, taken);
                }
            }

            @Override
            public void freeBits(FreeBits bits) {
                synchronized (lock) {
                    if (!takenAsBits(id, bits)) {
                        FreePageSink.super.freeBits(bits);
                    }
                }
            }
        };
    }

    /** Takes bits whose pages all lie in one region, if pages are those of the guest's message. Under the lock. */
    private boolean takenAsBits(int id, FreeBits bits) {
        if (table.pageSize().shift() != MemoryMessage.PAGE_SHIFT || id == NO_EPOCH || id != epoch) {
            return false;
        }
        for (int i = 0; i < free.length; i++) {
            RegionTable.Entry entry = table.entries().get(i);
            long first = bits.first() - (entry.guestAddress() >> MemoryMessage.PAGE_SHIFT);
            if (first >= 0 && first < entry.pageCount() && bits.pages() <= entry.pageCount() - first) {
                for (int w = 0; w < bits.words().limit(); w++) {
                    free[i].setBits(first + (long) w * Long.SIZE, bits.words().get(w));
                }
                count(HintOutcome.TAKEN, 1);
                return true;
            }
        }
        return false;
    }

    private HintOutcome checked(int id, long guestAddress, long pages) {
        if (pages < 1 || guestAddress < 0 || (guestAddress & (table.pageSize().bytes() - 1)) != 0) {
            return HintOutcome.MALFORMED;
        }
        int region = regionOf(guestAddress);
        if (region < 0 || pages > pagesFrom(region, guestAddress, pages)) {
            return HintOutcome.OUTSIDE_MEMORY;
        }
        return id == NO_EPOCH || id != epoch ? HintOutcome.STALE : taken(id, region, guestAddress, pages);
    }

    /** The region with an address, or -1. */
    private int regionOf(long guestAddress) {
        List<RegionTable.Entry> entries = table.entries();
        int low = 0;
        int high = entries.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long first = pageOf(entries.get(middle), guestAddress);
            if (first < 0) {
                high = middle - 1;
            } else if (first < entries.get(middle).pageCount()) {
                return middle;
            } else {
                low = middle + 1;
            }
        }
        return -1;
    }

    /** Neither address is negative, so the difference is one of numbers that it cannot overflow. */
    private long pageOf(RegionTable.Entry entry, long guestAddress) {
        return (guestAddress - entry.guestAddress()) >> table.pageSize().shift();
    }

    /** Pages without a gap from an address on; stops counting when there are as many as wanted. */
    private long pagesFrom(int region, long guestAddress, long wanted) {
        List<RegionTable.Entry> entries = table.entries();
        long pages = entries.get(region).pageCount() - pageOf(entries.get(region), guestAddress);
        for (int i = region + 1; i < entries.size() && pages < wanted && isNextTo(i - 1, i); i++) {
            pages += entries.get(i).pageCount();
        }
        return pages;
    }

    private boolean isNextTo(int region, int next) {
        RegionTable.Entry entry = table.entries().get(region);
        return pageOf(entry, table.entries().get(next).guestAddress()) == entry.pageCount();
    }

    private HintOutcome taken(int id, int region, long guestAddress, long pages) {
        synchronized (lock) {
            if (id != epoch) {
                return HintOutcome.STALE;
            }
            long left = pages;
            long first = pageOf(table.entries().get(region), guestAddress);
            for (int i = region; left > 0; i++) {
                long here = Math.min(left, free[i].size() - first);
                free[i].set(first, here);
                left -= here;
                first = 0;
            }
            return HintOutcome.TAKEN;
        }
    }

    /**
     * The host has dropped these pages, which are in the guest's {@link Balloon}: they are zero until they are written to. What
     * was sent of them before is old, which the balloon tells with the next collection. Ignored while nobody {@linkplain #watch
     * watches} writes.
     */
    public void dropped(int region, long first, long count) {
        synchronized (lock) {
            if (watched) {
                empty[region].set(first, count);
            }
        }
    }

    /** A collection reports these pages as written, or the guest has them back: they are neither free nor empty. */
    public void used(int region, long first, long count) {
        free[region].clear(first, count);
        empty[region].clear(first, count);
    }

    /** Whether a page is free now. */
    public boolean isFree(int region, long page) {
        return free[region].get(page);
    }

    /**
     * How many pages from {@code page} on and before {@code end} are free, up to the first that is not. One that is empty as well
     * counts as empty: the guest may have it back and rely on its zeros, and a hint that is older must not give it the pattern.
     */
    public long freeFrom(int region, long page, long end) {
        return isFree(region, page) ? free[region].nextClear(page, empty[region].nextSet(page, end)) - page : 0;
    }

    /** How many pages from {@code page} on and before {@code end} are empty, up to the first that is not. */
    public long emptyFrom(int region, long page, long end) {
        return empty[region].nextClear(page, end) - page;
    }

    /** The first free page from {@code page} on and before {@code end}, or {@code end}. */
    public long nextFree(int region, long page, long end) {
        return free[region].nextSet(page, end);
    }

    /** The first empty page from {@code page} on and before {@code end}, or {@code end}. */
    public long nextEmpty(int region, long page, long end) {
        return empty[region].nextSet(page, end);
    }

    /** How many pages of a region are not in {@code sent}, not free and not empty. */
    public long neededBeside(int region, AtomicBitmap sent) {
        return sent.countClear(free[region], empty[region]);
    }

    /** Pages that are free now. */
    public long count() {
        long count = 0;
        for (AtomicBitmap region : free) {
            count += region.cardinality();
        }
        return count;
    }

    /** How many hints had an outcome. */
    public long hints(HintOutcome outcome) {
        LongAdder counter = outcomes.get(outcome);
        return counter == null ? 0 : counter.sum();
    }

    private void count(HintOutcome outcome, long hints) {
        LongAdder counter = outcomes.get(outcome);
        if (counter != null) {
            counter.add(hints);
        }
    }
}
