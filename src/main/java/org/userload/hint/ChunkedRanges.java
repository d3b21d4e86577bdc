package org.userload.hint;

import org.jspecify.annotations.Nullable;

/** Many ranges: an array of chunks, found by the upper bits of the page. Whole chunks cost one reference. */
final class ChunkedRanges implements RangeStore {
    private static final int SHIFT = StoreShape.CHUNK_SHIFT;
    private static final int MASK = Chunk.SIZE - 1;

    /** Single pages of a batch whose words are read ahead: as many cache misses as a core has under way at most. */
    private static final int LOADED_AT_ONCE = 32;

    private final StoreShape shape;
    private final int leastRanges;
    private final @Nullable Chunk[] chunks;
    private long pages;
    private long runs;

    /** Means nothing; without a place for what was loaded the JIT would not load it. */
    private long unusedWords;

    /** Boundaries between two chunks that lie within a range: it counts as a run in either. */
    private long joins;

    ChunkedRanges(StoreShape shape, RangeStore content) {
        this(shape, new @Nullable Chunk[shape.chunks()]);
        long limit = shape.pages();
        for (long first = content.nextSet(0, limit); first < limit; ) {
            long end = content.nextClear(first, limit);
            change(first, end, true);
            first = content.nextSet(end, limit);
        }
    }

    private ChunkedRanges(StoreShape shape, @Nullable Chunk[] chunks) {
        this.shape = shape;
        this.leastRanges = shape.leastChunkedRanges();
        this.chunks = chunks;
    }

    @Override
    public RangeStore add(long first, long end) {
        int inChunk = (int) first & MASK;
        // Single pages of a bitmap, away from its edges, are what a guest that frees at random releases most.
        if (end - first == 1
                && inChunk > 0
                && inChunk < MASK
                && chunks[(int) (first >>> SHIFT)] instanceof BitmapChunk bitmap
                && bitmap.isFarFromSimple()) {
            int before = bitmap.runs;
            pages += bitmap.addOne(inChunk) ? 1 : 0;
            runs += bitmap.runs - before;
            return simplest();
        }
        change(first, end, true);
        return simplest();
    }

    /**
     * Adds single pages of a batch, one after the other, as long as they are new, in a bitmap, away from its edges and
     * change no form. {@link #simplest} is to be called after it.
     *
     * @param from index of the first range in the batch
     * @return index of the first range that was not added
     */
    int addSinglePages(RangeBatch batch, int from) {
        int size = batch.size();
        int i = from;
        long newRuns = 0;
        int loaded = from;
        for (; i < size && batch.count(i) == 1; i++) {
            if (i == loaded) {
                loaded = load(batch, i, Math.min(size, i + LOADED_AT_ONCE));
            }
            long page = batch.first(i);
            int inChunk = (int) page & MASK;
            if (inChunk == 0
                    || inChunk == MASK
                    || !(chunks[(int) (page >>> SHIFT)] instanceof BitmapChunk bitmap)
                    || !bitmap.isFarFromSimple()) {
                break;
            }
            int before = bitmap.runs;
            if (!bitmap.addOne(inChunk)) {
                break;
            }
            newRuns += bitmap.runs - before;
        }
        pages += i - from;
        runs += newRuns;
        return i;
    }

    /**
     * Reads what is about to be changed, so that the processor waits for all of it at the same time: a change hangs on many
     * instructions, and few changes fit into its window.
     */
    private int load(RangeBatch batch, int from, int to) {
        long words = 0;
        for (int i = from; i < to; i++) {
            long page = batch.first(i);
            if (chunks[(int) (page >>> SHIFT)] instanceof BitmapChunk bitmap) {
                words += bitmap.wordOf((int) page & MASK);
            }
        }
        unusedWords = words;
        return to;
    }

    @Override
    public RangeStore remove(long first, long end) {
        change(first, end, false);
        return simplest();
    }

    /** This, or what holds the same with less once there are few ranges. */
    RangeStore simplest() {
        if (runs - joins > leastRanges) {
            return this;
        }
        try {
            return FewRanges.of(shape, this);
        } catch (OutOfMemoryError e) {
            return this; // the change is done; a simpler form would only save memory
        }
    }

    private void change(long first, long end, boolean add) {
        int chunk = (int) (first >>> SHIFT);
        int last = (int) ((end - 1) >>> SHIFT);
        int from = (int) first & MASK;
        for (; chunk < last; chunk++) {
            change(chunk, from, Chunk.SIZE, add);
            from = 0;
        }
        change(chunk, from, ((int) (end - 1) & MASK) + 1, add);
    }

    private void change(int index, int from, int to, boolean add) {
        Chunk before = chunks[index];
        boolean atEdge = from == 0 || to == Chunk.SIZE;
        int joinsBefore = atEdge ? joinsOf(index) : 0;
        int pagesBefore = before == null ? 0 : before.pages;
        int runsBefore = before == null ? 0 : before.runs;
        Chunk after = add ? added(before, from, to) : removed(before, from, to);
        if (after != before) {
            chunks[index] = after;
        }
        pages += (after == null ? 0 : after.pages) - pagesBefore;
        runs += (after == null ? 0 : after.runs) - runsBefore;
        joins += atEdge ? joinsOf(index) - joinsBefore : 0;
    }

    private static Chunk added(@Nullable Chunk chunk, int from, int to) {
        if (to - from == Chunk.SIZE) {
            return FullChunk.FULL;
        }
        return chunk == null ? RunChunk.of(from, to) : chunk.add(from, to);
    }

    private static @Nullable Chunk removed(@Nullable Chunk chunk, int from, int to) {
        return chunk == null || to - from == Chunk.SIZE ? null : chunk.remove(from, to);
    }

    private int joinsOf(int index) {
        Chunk chunk = chunks[index];
        if (chunk == null) {
            return 0;
        }
        Chunk left = index > 0 ? chunks[index - 1] : null;
        Chunk right = index + 1 < chunks.length ? chunks[index + 1] : null;
        int before = left != null && left.get(MASK) && chunk.get(0) ? 1 : 0;
        int behind = right != null && right.get(0) && chunk.get(MASK) ? 1 : 0;
        return before + behind;
    }

    @Override
    public long nextSet(long from, long limit) {
        for (long page = from; page < limit; page = nextChunk(page)) {
            Chunk chunk = chunks[(int) (page >>> SHIFT)];
            if (chunk != null) {
                int to = endWithin(limit, page);
                int within = (int) page & MASK;
                int found =
                        chunk instanceof BitmapChunk bitmap ? bitmap.nextSet(within, to) : chunk.nextSet(within, to);
                if (found < to) {
                    return (page & ~(long) MASK) + found;
                }
            }
        }
        return limit;
    }

    @Override
    public long nextClear(long from, long limit) {
        for (long page = from; page < limit; page = nextChunk(page)) {
            Chunk chunk = chunks[(int) (page >>> SHIFT)];
            if (chunk == null) {
                return page;
            }
            int to = endWithin(limit, page);
            int found = chunk.nextClear((int) page & MASK, to);
            if (found < to) {
                return (page & ~(long) MASK) + found;
            }
        }
        return limit;
    }

    /** The end of the chunk of {@code page}, or {@code limit} if that comes before; counts within the chunk. */
    private static int endWithin(long limit, long page) {
        return (int) Math.min(Chunk.SIZE, limit - (page & ~(long) MASK));
    }

    private static long nextChunk(long page) {
        return (page & ~(long) MASK) + Chunk.SIZE;
    }

    @Override
    public long pages() {
        return pages;
    }

    @Override
    public long ranges() {
        return runs - joins;
    }

    @Override
    public RangeStore copy() {
        ChunkedRanges copy = new ChunkedRanges(shape, new @Nullable Chunk[chunks.length]);
        for (int i = 0; i < chunks.length; i++) {
            Chunk chunk = chunks[i];
            copy.chunks[i] = chunk == null ? null : chunk.copy();
        }
        copy.pages = pages;
        copy.runs = runs;
        copy.joins = joins;
        return copy;
    }
}
