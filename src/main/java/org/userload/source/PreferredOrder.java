package org.userload.source;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.PageRange;
import org.userload.protocol.PackedRun;
import org.userload.protocol.Preference;

/**
 * What the destination wants first, in the order in which it said so: what it is about to touch, then its working set. Pages
 * that were sent are left out. Stream loop only.
 *
 * <p>A preference is advice: beyond {@value #MAX_PENDING_RUNS} runs that are not sent it is not kept.
 */
final class PreferredOrder implements StreamOrder {
    /** 8 MiB at most. */
    static final int MAX_PENDING_RUNS = 1 << 20;

    private final IntFunction<AtomicBitmap> sent;
    private final RunQueue soon = new RunQueue();
    private final RunQueue first = new RunQueue();

    /** @param sent pages of a region that were sent */
    PreferredOrder(IntFunction<AtomicBitmap> sent) {
        this.sent = sent;
    }

    /** Takes a run of 1 to {@link org.userload.protocol.PageRuns#MAX_PREFERRED_PAGES} pages of the memory. */
    void prefer(Preference how, int region, long firstPage, int count) {
        if (soon.size() + first.size() < MAX_PENDING_RUNS) {
            (how == Preference.SOON ? soon : first).add(PackedRun.of(region, firstPage, count));
        }
    }

    @Override
    public @Nullable Run next(int maxPages) {
        Run run = nextOf(soon, maxPages);
        return run == null ? nextOf(first, maxPages) : run;
    }

    private @Nullable Run nextOf(RunQueue queue, int maxPages) {
        while (queue.size() > 0) {
            long oldest = queue.first();
            int region = PackedRun.region(oldest);
            Run run = firstUnsent(sent.apply(region), region, PackedRun.first(oldest), PackedRun.end(oldest), maxPages);
            if (run != null) {
                long from = run.pages().first();
                queue.setFirst(PackedRun.of(region, from, (int) (PackedRun.end(oldest) - from)));
                return run;
            }
            queue.removeFirst();
        }
        return null;
    }

    /** The first unsent pages of a range of a region; null when there is none. Others may mark pages as sent meanwhile. */
    static @Nullable Run firstUnsent(AtomicBitmap sent, int region, long from, long end, int maxPages) {
        long page = sent.nextClear(from, end);
        while (page < end) {
            long stop = sent.nextSet(page, Math.min(page + maxPages, end));
            if (stop > page) {
                return new Run(region, new PageRange(page, stop - page));
            }
            page = sent.nextClear(page, end);
        }
        return null;
    }
}
