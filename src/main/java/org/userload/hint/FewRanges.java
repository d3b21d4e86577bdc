package org.userload.hint;

/**
 * Up to some hundred ranges in one sorted array: first page, page after the last, first page, ...
 *
 * <p>No two ranges touch. When they become too many, or too many for the array, the set goes on in another store.
 */
final class FewRanges implements RangeStore {
    private static final int SMALLEST = 2;

    private final StoreShape shape;
    private final long[] bounds;
    private int used;
    private long pages;

    FewRanges(StoreShape shape, int capacity) {
        this.shape = shape;
        this.bounds = new long[2 * Math.max(SMALLEST, capacity)];
    }

    /** The content of a store that has become simple. */
    static FewRanges of(StoreShape shape, RangeStore other) {
        FewRanges few = new FewRanges(shape, Math.toIntExact(other.ranges()));
        long limit = shape.pages();
        for (long first = other.nextSet(0, limit); first < limit; ) {
            long end = other.nextClear(first, limit);
            few.bounds[few.used] = first;
            few.bounds[few.used + 1] = end;
            few.used += 2;
            first = other.nextSet(end, limit);
        }
        few.pages = other.pages();
        return few;
    }

    @Override
    public RangeStore add(long first, long end) {
        int from = boundsBefore(first);
        int to = boundsUpTo(end);
        // An odd number of bounds lies before a page that is inside a range or right behind one.
        boolean joinsLeft = (from & 1) != 0;
        boolean joinsRight = (to & 1) != 0;
        return replace(from, to, joinsLeft ? -1 : first, joinsRight ? -1 : end);
    }

    @Override
    public RangeStore remove(long first, long end) {
        int from = boundsBefore(first);
        int to = boundsUpTo(end);
        boolean cutsLeft = (from & 1) != 0;
        boolean cutsRight = (to & 1) != 0;
        return replace(from, to, cutsLeft ? first : -1, cutsRight ? end : -1);
    }

    /** Puts up to two bounds (-1: none) in the place of those from {@code from} to before {@code to}. */
    private RangeStore replace(int from, int to, long left, long right) {
        int inserted = (left < 0 ? 0 : 1) + (right < 0 ? 0 : 1);
        int needed = used - (to - from) + inserted;
        if (needed > bounds.length) {
            return grown(needed / 2).replace(from, to, left, right);
        }
        pages -= pagesBetween(from, to);
        System.arraycopy(bounds, to, bounds, from + inserted, used - to);
        int at = from;
        if (left >= 0) {
            bounds[at++] = left;
        }
        if (right >= 0) {
            bounds[at] = right;
        }
        used = needed;
        pages += pagesBetween(from, from + inserted);
        return used / 2 > shape.mostFewRanges() ? chunked() : this;
    }

    /** The change is done already, so that it must not fail: another form would only be faster. */
    private RangeStore chunked() {
        try {
            return new ChunkedRanges(shape, this);
        } catch (OutOfMemoryError e) {
            return this;
        }
    }

    /** Pages of the ranges of which a bound lies from index {@code from} to before {@code to}. */
    private long pagesBetween(int from, int to) {
        long sum = 0;
        int begin = from & -2;
        int end = Math.min((to + 1) & -2, used);
        for (int i = begin; i < end; i += 2) {
            sum += bounds[i + 1] - bounds[i];
        }
        return sum;
    }

    private FewRanges grown(int ranges) {
        FewRanges grown = new FewRanges(shape, Math.max(ranges, bounds.length));
        System.arraycopy(bounds, 0, grown.bounds, 0, used);
        grown.used = used;
        grown.pages = pages;
        return grown;
    }

    /** How many bounds are less than {@code page}. */
    private int boundsBefore(long page) {
        int low = 0;
        int high = Math.min(used, bounds.length);
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (bounds[middle] < page) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** How many bounds are at most {@code page}. */
    private int boundsUpTo(long page) {
        return boundsBefore(page + 1);
    }

    @Override
    public long nextSet(long from, long limit) {
        int index = boundsUpTo(from);
        if ((index & 1) != 0) {
            return Math.min(from, limit);
        }
        return index < Math.min(used, bounds.length) ? Math.min(bounds[index], limit) : limit;
    }

    @Override
    public long nextClear(long from, long limit) {
        int index = boundsUpTo(from);
        if ((index & 1) == 0) {
            return Math.min(from, limit);
        }
        return index < bounds.length ? Math.min(bounds[index], limit) : limit;
    }

    @Override
    public long pages() {
        return pages;
    }

    @Override
    public long ranges() {
        return used / 2;
    }

    @Override
    public RangeStore copy() {
        FewRanges copy = new FewRanges(shape, used / 2);
        System.arraycopy(bounds, 0, copy.bounds, 0, used);
        copy.used = used;
        copy.pages = pages;
        return copy;
    }
}
