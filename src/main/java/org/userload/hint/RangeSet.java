package org.userload.hint;

import java.util.Optional;
import java.util.concurrent.locks.StampedLock;
import org.userload.memory.PageRange;

/**
 * A set of pages of an address space, kept as ranges; neighbours merge.
 *
 * <p><b>Structure.</b> Up to some hundred ranges are one sorted array. With more, an array of chunks of 65,536 pages is
 * indexed by the upper bits of the page, and each chunk is empty, full, a sorted array of up to 512 runs or a bitmap, as
 * in a Roaring bitmap (Lemire et al., "Consistently faster and smaller compressed bitmaps with Roaring", 2016). So a range
 * never costs more than about 16 bytes, no set more than about one bit a page, a page is found without a search, and a
 * change of many pages costs a step for each chunk.
 *
 * <p><b>Threads.</b> Any thread may call any method. Changes go one after the other, each method call is one change: a
 * reader sees all of it or nothing, also of a batch of many ranges. What a reader sees is a state that the whole set had
 * at one moment during its call, and a reader that begins after a change has returned sees that change. Readers do not
 * write to shared memory unless a change overtakes them three times; then they wait for their turn. {@link #snapshot}
 * keeps changes waiting while it copies, up to a bit a page.
 *
 * <p><b>Out of memory.</b> No form of the set is changed before what it needs is allocated, so what the set counts is
 * always what it holds. A range of many chunks may then be in the set in part; a batch is taken back, if the heap has room
 * for that.
 *
 * <p>A change of one page takes as long for the lock as for the page: use a {@link RangeBatch} for many.
 */
public final class RangeSet {
    /** Pages of the largest address space: 256 TiB in pages of 4 KiB. */
    public static final long MOST_PAGES = 1L << 36;

    /** What a batch gives when all of it was applied. */
    static final int ALL = -1;

    private static final int OPTIMISTIC_TRIES = 3;

    private final StampedLock lock = new StampedLock();
    private final long limit;
    private RangeStore store;

    /**
     * An empty set.
     *
     * @param pages of the address space, 1 to 2^36; pages count from 0
     */
    public RangeSet(long pages) {
        if (pages < 1 || pages > MOST_PAGES) {
            throw new IllegalArgumentException("an address space has 1 to 2^36 pages, not " + pages);
        }
        this.limit = pages;
        this.store = new FewRanges(new StoreShape(pages), 1);
    }

    /** Pages of the address space, in the set or not. */
    public long limit() {
        return limit;
    }

    /**
     * Adds pages, whether they are in the set or not.
     *
     * @param first page, not negative
     * @param count pages, at least 1
     * @return how many were not in the set before
     * @throws IndexOutOfBoundsException if not all pages lie within the address space
     */
    public long add(long first, long count) {
        check(first, count);
        long stamp = lock.writeLock();
        try {
            long before = store.pages();
            keep(store.add(first, first + count));
            return store.pages() - before;
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    /**
     * Removes pages, whether they are in the set or not; a range that reaches beyond them is cut.
     *
     * @param first page, not negative
     * @param count pages, at least 1
     * @return how many were in the set before
     * @throws IndexOutOfBoundsException if not all pages lie within the address space
     */
    public long remove(long first, long count) {
        check(first, count);
        long stamp = lock.writeLock();
        try {
            long before = store.pages();
            keep(store.remove(first, first + count));
            return before - store.pages();
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    /**
     * Adds the ranges of a batch if none of their pages is in the set and no two ranges overlap; else changes nothing.
     *
     * @return {@link #ALL}, or the index of a range that cannot be added
     * @throws IndexOutOfBoundsException if a range does not lie within the address space; nothing is changed then
     */
    int addAbsent(RangeBatch batch) {
        checkAll(batch);
        long stamp = lock.writeLock();
        int i = 0;
        try {
            for (i = singlePages(batch, 0); i < batch.size(); i = singlePages(batch, i + 1)) {
                if (!addOneAbsent(batch.first(i), batch.count(i))) {
                    undoAdding(batch, i);
                    return i;
                }
            }
            return ALL;
        } catch (OutOfMemoryError e) {
            undoAdding(batch, i + 1); // a part of this range may be there
            throw e;
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    /**
     * Removes the ranges of a batch if all of their pages are in the set and no two ranges overlap; else changes nothing.
     *
     * @return {@link #ALL}, or the index of a range that cannot be removed
     * @throws IndexOutOfBoundsException if a range does not lie within the address space; nothing is changed then
     */
    int removePresent(RangeBatch batch) {
        checkAll(batch);
        long stamp = lock.writeLock();
        int i = 0;
        try {
            for (; i < batch.size(); i++) {
                long first = batch.first(i);
                long end = first + batch.count(i);
                if (store.nextClear(first, end) < end) {
                    undoRemoving(batch, i);
                    return i;
                }
                keep(store.remove(first, end));
            }
            return ALL;
        } catch (OutOfMemoryError e) {
            undoRemoving(batch, i + 1);
            throw e;
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    /** Adds what can be added without a change of form; gives the index of the first range that was not added. */
    private int singlePages(RangeBatch batch, int from) {
        if (store instanceof ChunkedRanges chunked) {
            int next = chunked.addSinglePages(batch, from);
            keep(chunked.simplest());
            return next;
        }
        return from;
    }

    /** Adds a range if none of its pages is in the set; gives whether so. */
    private boolean addOneAbsent(long first, long count) {
        long end = first + count;
        if (count > 1 && store.nextSet(first, end) < end) {
            return false;
        }
        // Adding one page that is there changes nothing, so that need not be known before.
        long before = store.pages();
        keep(store.add(first, end));
        return store.pages() > before;
    }

    private void undoAdding(RangeBatch batch, int added) {
        for (int i = 0; i < added; i++) {
            keep(store.remove(batch.first(i), batch.first(i) + batch.count(i)));
        }
    }

    private void undoRemoving(RangeBatch batch, int removed) {
        for (int i = 0; i < removed; i++) {
            keep(store.add(batch.first(i), batch.first(i) + batch.count(i)));
        }
    }

    /** A store to a field costs more than a look at it, and the form seldom changes. */
    private void keep(RangeStore next) {
        if (next != store) {
            store = next;
        }
    }

    /** Whether a page is in the set; not so for pages outside the address space. */
    public boolean contains(long page) {
        return page >= 0 && page < limit && nextSet(page, page + 1) == page;
    }

    /**
     * Whether all of {@code count} pages from {@code first} are in the set.
     *
     * @throws IndexOutOfBoundsException if not all pages lie within the address space
     */
    public boolean contains(long first, long count) {
        check(first, count);
        return nextClear(first, first + count) == first + count;
    }

    /**
     * Whether any of {@code count} pages from {@code first} is in the set.
     *
     * @throws IndexOutOfBoundsException if not all pages lie within the address space
     */
    public boolean overlaps(long first, long count) {
        check(first, count);
        return nextSet(first, first + count) < first + count;
    }

    /**
     * The first range, cut at {@code from}, that has a page at {@code from} or behind. Repeated from the end of each range
     * it walks the set while that changes; for all ranges of one moment there is {@link #snapshot}.
     */
    public Optional<PageRange> next(long from) {
        for (int i = 0; i < OPTIMISTIC_TRIES; i++) {
            long stamp = lock.tryOptimisticRead();
            if (stamp != 0) {
                Optional<PageRange> next = RangeSnapshot.next(store, from, limit);
                if (lock.validate(stamp)) {
                    return next;
                }
            }
        }
        long stamp = lock.readLock();
        try {
            return RangeSnapshot.next(store, from, limit);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    /** Pages in the set. */
    public long pages() {
        long stamp = lock.readLock();
        try {
            return store.pages();
        } finally {
            lock.unlockRead(stamp);
        }
    }

    /** Ranges in the set, as few as there can be: no two of them touch. */
    public long ranges() {
        long stamp = lock.readLock();
        try {
            return store.ranges();
        } finally {
            lock.unlockRead(stamp);
        }
    }

    /** A copy of the set at one moment. */
    public RangeSnapshot snapshot() {
        long stamp = lock.readLock();
        try {
            return new RangeSnapshot(store.copy(), limit);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    private long nextSet(long from, long end) {
        for (int i = 0; i < OPTIMISTIC_TRIES; i++) {
            long stamp = lock.tryOptimisticRead();
            if (stamp != 0) {
                long next = store.nextSet(from, end);
                if (lock.validate(stamp)) {
                    return next;
                }
            }
        }
        long stamp = lock.readLock();
        try {
            return store.nextSet(from, end);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    private long nextClear(long from, long end) {
        for (int i = 0; i < OPTIMISTIC_TRIES; i++) {
            long stamp = lock.tryOptimisticRead();
            if (stamp != 0) {
                long next = store.nextClear(from, end);
                if (lock.validate(stamp)) {
                    return next;
                }
            }
        }
        long stamp = lock.readLock();
        try {
            return store.nextClear(from, end);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    private void checkAll(RangeBatch batch) {
        for (int i = 0; i < batch.size(); i++) {
            check(batch.first(i), batch.count(i));
        }
    }

    private void check(long first, long count) {
        if (first < 0 || count < 1 || first > limit - count) {
            throw new IndexOutOfBoundsException(
                    count + " pages from page " + first + " do not lie within an address space of " + limit + " pages");
        }
    }
}
