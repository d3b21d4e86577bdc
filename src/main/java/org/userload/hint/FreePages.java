package org.userload.hint;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.RegionTable;

/**
 * Which pages of a guest that is being moved are free: what they hold does not matter, and they need not be sent.
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
 * <p><b>Threads.</b> Any thread reads and hints; {@link #beginEpoch} and {@link #endEpoch} are for the migrating thread, {@link
 * #used} for that and for the {@link Balloon}.
 */
public final class FreePages {
    /** No epoch has this id. */
    public static final int NO_EPOCH = 0;

    private final RegionTable table;
    private final AtomicBitmap[] free;
    private final Map<HintOutcome, LongAdder> outcomes = new EnumMap<>(HintOutcome.class);
    private final Object lock = new Object();
    private int lastEpoch;
    private int epoch = NO_EPOCH;

    /** No page is free. */
    public FreePages(RegionTable table) {
        this.table = table;
        this.free = new AtomicBitmap[table.entries().size()];
        for (int i = 0; i < free.length; i++) {
            free[i] = new AtomicBitmap(table.entries().get(i).pageCount());
        }
        for (HintOutcome outcome : HintOutcome.values()) {
            outcomes.put(outcome, new LongAdder());
        }
    }

    /** Begins an epoch and gives its id, which no other epoch has. Right after a collection of dirty pages. */
    public int beginEpoch() {
        synchronized (lock) {
            epoch = ++lastEpoch;
            return epoch;
        }
    }

    /** From the return on no hint counts. Right before dirty pages are collected. */
    public void endEpoch() {
        synchronized (lock) {
            epoch = NO_EPOCH;
        }
    }

    /**
     * A guest hints that pages are free. Pages that are free already are no error.
     *
     * @param id of the epoch in which the guest was asked
     */
    public HintOutcome hint(int id, long guestAddress, long pages) {
        HintOutcome outcome = checked(id, guestAddress, pages);
        count(outcome);
        return outcome;
    }

    private HintOutcome checked(int id, long guestAddress, long pages) {
        int shift = table.pageSize().shift();
        if (pages < 1 || guestAddress < 0 || (guestAddress & (table.pageSize().bytes() - 1)) != 0) {
            return HintOutcome.MALFORMED;
        }
        for (int i = 0; i < free.length; i++) {
            RegionTable.Entry entry = table.entries().get(i);
            long first = (guestAddress - entry.guestAddress()) >> shift;
            if (first >= 0 && first < entry.pageCount()) {
                return pages > entry.pageCount() - first ? HintOutcome.OUTSIDE_MEMORY : taken(id, i, first, pages);
            }
        }
        return HintOutcome.OUTSIDE_MEMORY;
    }

    private HintOutcome taken(int id, int region, long first, long pages) {
        synchronized (lock) {
            if (id == NO_EPOCH || id != epoch) {
                return HintOutcome.STALE;
            }
            free[region].set(first, pages);
            return HintOutcome.TAKEN;
        }
    }

    /** The host has dropped these pages, for a balloon: they are free until they are written to. */
    public void dropped(int region, long first, long count) {
        free[region].set(first, count);
    }

    /** A collection reports these pages as written, or the guest has got them back from a balloon: they are not free. */
    public void used(int region, long first, long count) {
        free[region].clear(first, count);
    }

    /** Whether a page is free now. */
    public boolean isFree(int region, long page) {
        return free[region].get(page);
    }

    /** The end of the run of pages, free or not as the first one is, that starts at {@code page}; at most {@code end}. */
    public long endOfRun(int region, long page, long end) {
        return isFree(region, page) ? free[region].nextClear(page, end) : free[region].nextSet(page, end);
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

    private void count(HintOutcome outcome) {
        LongAdder counter = outcomes.get(outcome);
        if (counter != null) {
            counter.increment();
        }
    }
}
