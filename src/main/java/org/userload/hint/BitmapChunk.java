package org.userload.hint;

import org.jspecify.annotations.Nullable;

/** A chunk with many runs: one bit a page, 8 KiB. Knows its pages and runs without looking through the bits. */
final class BitmapChunk extends Chunk {
    private static final int SHIFT = 6;
    private static final long ALL = -1L;

    /** Half of what it takes to become a bitmap, so that no single page makes the form change to and fro. */
    private static final int LEAST_RUNS = RunChunk.MOST_RUNS / 2;

    private final long[] words;

    private BitmapChunk(long[] words, int pages, int runs) {
        this.words = words;
        this.pages = pages;
        this.runs = runs;
    }

    BitmapChunk(RunChunk chunk) {
        this(new long[SIZE >>> SHIFT], 0, 0);
        for (int from = chunk.nextSet(0, SIZE); from < SIZE; ) {
            int to = chunk.nextClear(from, SIZE);
            set(from, to);
            from = chunk.nextSet(to, SIZE);
        }
        runs = chunk.runs;
    }

    @Override
    Chunk add(int from, int to) {
        if (to - from == 1) {
            addOne(from);
        } else {
            runs += (before(from) ? 0 : 1) - beginningsBetween(from, to);
            set(from, to);
        }
        if (runs > LEAST_RUNS) {
            return this;
        }
        return pages == SIZE ? FullChunk.FULL : simpler();
    }

    /** The change is done already, so that it must not fail: a simpler form would only save memory. */
    private Chunk simpler() {
        try {
            return RunChunk.of(this);
        } catch (OutOfMemoryError e) {
            return this;
        }
    }

    /** Whether a page less or more leaves this chunk a bitmap. */
    boolean isFarFromSimple() {
        return runs > LEAST_RUNS + 1;
    }

    /** Gives whether the page was not in the set. */
    boolean addOne(int page) {
        long word = words[page >>> SHIFT];
        long bit = 1L << page;
        if ((word & bit) != 0) {
            return false;
        }
        words[page >>> SHIFT] = word | bit;
        pages++;
        runs += 1 - neighbours(word, page);
        return true;
    }

    long wordOf(int page) {
        return words[page >>> SHIFT];
    }

    /** How many of the two pages beside {@code page} are set. */
    private int neighbours(long word, int page) {
        int inWord = page & (Long.SIZE - 1);
        if (inWord > 0 && inWord < Long.SIZE - 1) {
            return Long.bitCount((word >>> (inWord - 1)) & 0b101);
        }
        return (before(page) ? 1 : 0) + (page + 1 < SIZE && get(page + 1) ? 1 : 0);
    }

    private void set(int from, int to) {
        for (int page = from; page < to; page = nextWord(page)) {
            long mask = maskWithin(page, to);
            long word = words[page >>> SHIFT];
            pages += Long.bitCount(mask & ~word);
            words[page >>> SHIFT] = word | mask;
        }
    }

    @Override
    @Nullable
    Chunk remove(int from, int to) {
        boolean next = to < SIZE && get(to);
        runs += (next ? 1 : 0) - beginningsBetween(from, to);
        // A run that reaches into the removed pages from the left keeps its beginning.
        for (int page = from; page < to; page = nextWord(page)) {
            long mask = maskWithin(page, to);
            long word = words[page >>> SHIFT];
            pages -= Long.bitCount(mask & word);
            words[page >>> SHIFT] = word & ~mask;
        }
        if (runs > LEAST_RUNS) {
            return this;
        }
        return pages == 0 ? null : simpler();
    }

    /** Runs that begin at a page from {@code from} to {@code to}, that one included. */
    private int beginningsBetween(int from, int to) {
        int end = Math.min(to + 1, SIZE);
        int sum = 0;
        for (int page = from; page < end; page = nextWord(page)) {
            long word = words[page >>> SHIFT];
            long carry = page < Long.SIZE ? 0 : words[(page >>> SHIFT) - 1] >>> (Long.SIZE - 1);
            sum += Long.bitCount(word & ~(word << 1 | carry) & maskWithin(page, end));
        }
        return sum;
    }

    private boolean before(int page) {
        return page > 0 && get(page - 1);
    }

    private static int nextWord(int page) {
        return (page & -Long.SIZE) + Long.SIZE;
    }

    /** Bits from {@code page} to the end of its word or to {@code end}, whichever comes first. */
    private static long maskWithin(int page, int end) {
        long mask = ALL << page;
        int left = end - (page & -Long.SIZE);
        return left >= Long.SIZE ? mask : mask & ALL >>> -left;
    }

    @Override
    boolean get(int page) {
        return (words[page >>> SHIFT] >>> page & 1) != 0;
    }

    @Override
    int nextSet(int from, int to) {
        return next(from, to, 0);
    }

    @Override
    int nextClear(int from, int to) {
        return next(from, to, ALL);
    }

    /** Searches for a bit that differs from {@code pattern}. */
    private int next(int from, int to, long pattern) {
        for (int page = from; page < to; page = nextWord(page)) {
            long found = (words[page >>> SHIFT] ^ pattern) & ALL << page;
            if (found != 0) {
                return Math.min(to, (page & -Long.SIZE) + Long.numberOfTrailingZeros(found));
            }
        }
        return to;
    }

    @Override
    Chunk copy() {
        return new BitmapChunk(words.clone(), pages, runs);
    }
}
