package org.userload.destination;

import java.util.concurrent.atomic.LongAdder;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;

/**
 * Which pages came last as a mark in rounds, zero or free, so that they can be told from those that came with content.
 *
 * <p><b>Threads.</b> The stream loop changes it, any reads the counts. Costs 2 bits a page in a session with rounds.
 */
final class MarkedPages {
    private final Kind zero;
    private final Kind free;

    private static final class Kind {
        private final AtomicBitmap[] pages;
        private final LongAdder count = new LongAdder();

        Kind(GuestMemory memory, boolean rounds) {
            pages = new AtomicBitmap[rounds ? memory.regionCount() : 0];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = new AtomicBitmap(memory.region(i).pageCount());
            }
        }

        void add(int region, long first, long pageCount) {
            count.add(pages[region].set(first, pageCount));
        }

        void remove(int region, long first, long pageCount) {
            if (count.sum() > 0) {
                count.add(-pages[region].clear(first, pageCount));
            }
        }
    }

    /** @param rounds whether there are rounds; without, pages are only ever unmarked */
    MarkedPages(GuestMemory memory, boolean rounds) {
        zero = new Kind(memory, rounds);
        free = new Kind(memory, rounds);
    }

    void zero(int region, long first, long count) {
        free.remove(region, first, count);
        zero.add(region, first, count);
    }

    void free(int region, long first, long count) {
        zero.remove(region, first, count);
        free.add(region, first, count);
    }

    /** These pages came with content, or are called back. */
    void unmarked(int region, long first, long count) {
        zero.remove(region, first, count);
        free.remove(region, first, count);
    }

    long zeroPages() {
        return zero.count.sum();
    }

    long freePages() {
        return free.count.sum();
    }
}
