package org.userload.hint;

import org.jspecify.annotations.Nullable;

/**
 * A chunk as sorted runs of pages: first, last, first, last, ... with a gap of at least one page between two.
 *
 * <p>Up to {@link #MOST_RUNS} runs. A bitmap of a chunk has the size of 512 runs of two longs, so a range never costs more
 * than the 16 bytes of its two bounds, whatever the form.
 */
final class RunChunk extends Chunk {
    static final int MOST_RUNS = 512;
    private static final int SMALLEST = 4;

    private final char[] bounds;

    RunChunk(int capacity) {
        this.bounds = new char[2 * Math.max(SMALLEST, capacity)];
    }

    static RunChunk of(int from, int to) {
        RunChunk chunk = new RunChunk(1);
        chunk.append(from, to);
        return chunk;
    }

    static RunChunk allBut(int from, int to) {
        RunChunk chunk = new RunChunk(2);
        if (from > 0) {
            chunk.append(0, from);
        }
        if (to < SIZE) {
            chunk.append(to, SIZE);
        }
        return chunk;
    }

    /** The content of a bitmap that has become simple. */
    static RunChunk of(BitmapChunk bitmap) {
        RunChunk chunk = new RunChunk(bitmap.runs);
        for (int from = bitmap.nextSet(0, SIZE); from < SIZE; ) {
            int to = bitmap.nextClear(from, SIZE);
            chunk.append(from, to);
            from = bitmap.nextSet(to, SIZE);
        }
        return chunk;
    }

    private void append(int from, int to) {
        bounds[2 * runs] = (char) from;
        bounds[2 * runs + 1] = (char) (to - 1);
        runs++;
        pages += to - from;
    }

    @Override
    Chunk add(int from, int to) {
        int begin = runsEndingBefore(from - 1);
        int end = runsBeginningUpTo(to);
        int first = begin < end ? Math.min(from, bounds[2 * begin]) : from;
        int last = begin < end ? Math.max(to - 1, bounds[2 * end - 1]) : to - 1;
        if (last - first + 1 == SIZE) {
            return FullChunk.FULL;
        }
        int needed = runs - (end - begin) + 1;
        if (needed > MOST_RUNS) {
            return new BitmapChunk(this).add(from, to);
        }
        RunChunk chunk = withRoomFor(needed);
        chunk.move(begin, end, 1);
        chunk.put(begin, first, last);
        return chunk;
    }

    @Override
    @Nullable
    Chunk remove(int from, int to) {
        int begin = runsEndingBefore(from);
        int end = runsBeginningUpTo(to - 1);
        if (begin >= end) {
            return this;
        }
        int first = bounds[2 * begin];
        int last = bounds[2 * end - 1];
        int kept = (first < from ? 1 : 0) + (last >= to ? 1 : 0);
        int left = runs - (end - begin) + kept;
        if (left == 0) {
            return null;
        }
        if (left > MOST_RUNS) {
            return new BitmapChunk(this).remove(from, to);
        }
        RunChunk chunk = withRoomFor(left);
        chunk.move(begin, end, kept);
        int at = begin;
        if (first < from) {
            chunk.put(at++, first, from - 1);
        }
        if (last >= to) {
            chunk.put(at, to, last);
        }
        return chunk;
    }

    private void put(int run, int first, int last) {
        bounds[2 * run] = (char) first;
        bounds[2 * run + 1] = (char) last;
        pages += last - first + 1;
    }

    /** Drops the runs from {@code begin} to before {@code end} and makes room for {@code inserted} in their place. */
    private void move(int begin, int end, int inserted) {
        for (int run = begin; run < end; run++) {
            pages -= bounds[2 * run + 1] - bounds[2 * run] + 1;
        }
        int to = begin + inserted;
        if (to != end) {
            System.arraycopy(bounds, 2 * end, bounds, 2 * to, 2 * (runs - end));
            runs += to - end;
        }
    }

    private RunChunk withRoomFor(int needed) {
        return 2 * needed <= bounds.length ? this : copy(Math.max(needed, bounds.length));
    }

    private RunChunk copy(int capacity) {
        RunChunk copy = new RunChunk(Math.min(capacity, MOST_RUNS));
        System.arraycopy(bounds, 0, copy.bounds, 0, 2 * runs);
        copy.runs = runs;
        copy.pages = pages;
        return copy;
    }

    /** How many runs have their last page before {@code page}. */
    private int runsEndingBefore(int page) {
        return runsWithBoundBefore(1, page);
    }

    /** How many runs have their first page at or before {@code page}. */
    private int runsBeginningUpTo(int page) {
        return runsWithBoundBefore(0, page + 1);
    }

    /** Not more than there can be, whatever a reader sees during a change. */
    private int readableRuns() {
        return Math.min(runs, bounds.length / 2);
    }

    private int runsWithBoundBefore(int which, int page) {
        int low = 0;
        int high = readableRuns();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (bounds[2 * middle + which] < page) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    @Override
    boolean get(int page) {
        return nextSet(page, page + 1) == page;
    }

    @Override
    int nextSet(int from, int to) {
        int run = runsEndingBefore(from);
        return run < readableRuns() ? Math.min(to, Math.max(from, bounds[2 * run])) : to;
    }

    @Override
    int nextClear(int from, int to) {
        int run = runsEndingBefore(from);
        boolean within = run < readableRuns() && bounds[2 * run] <= from;
        return within ? Math.min(to, bounds[2 * run + 1] + 1) : from;
    }

    @Override
    Chunk copy() {
        return copy(runs);
    }
}
