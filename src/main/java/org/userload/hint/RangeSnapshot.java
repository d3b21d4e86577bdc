package org.userload.hint;

import java.util.Optional;
import org.userload.memory.PageRange;

/** What a {@link RangeSet} held at one moment. Never changes; any thread may read it. */
public final class RangeSnapshot {
    /** Receives ranges. */
    @FunctionalInterface
    public interface Visitor {
        /** Called once for each range, in the order of pages. Two ranges never touch. */
        void range(long first, long count);
    }

    private final RangeStore store;
    private final long limit;

    RangeSnapshot(RangeStore store, long limit) {
        this.store = store;
        this.limit = limit;
    }

    /** Pages in the set. */
    public long pages() {
        return store.pages();
    }

    /** Ranges in the set. */
    public long ranges() {
        return store.ranges();
    }

    /** Gives all ranges in the order of pages. Allocates nothing. */
    public void forEach(Visitor visitor) {
        for (long first = store.nextSet(0, limit); first < limit; ) {
            long end = store.nextClear(first, limit);
            visitor.range(first, end - first);
            first = store.nextSet(end, limit);
        }
    }

    /** The first range, cut at {@code from}, that has a page at {@code from} or behind. */
    public Optional<PageRange> next(long from) {
        return next(store, from, limit);
    }

    static Optional<PageRange> next(RangeStore store, long from, long limit) {
        if (from < 0) {
            throw new IndexOutOfBoundsException("pages begin at 0, not at " + from);
        }
        long first = store.nextSet(from, limit);
        if (first >= limit) {
            return Optional.empty();
        }
        long end = store.nextClear(first, limit);
        return end > first ? Optional.of(new PageRange(first, end - first)) : Optional.empty();
    }
}
