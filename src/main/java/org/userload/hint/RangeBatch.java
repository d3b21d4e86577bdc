package org.userload.hint;

import java.util.Arrays;

/**
 * Ranges of pages as a message carries them: in any order and not checked in any way.
 *
 * <p>Not for several threads at once. It belongs to whoever fills it, can be cleared and filled again, and then allocates
 * nothing.
 */
public final class RangeBatch {
    private long[] values = new long[32];
    private int size;

    /**
     * Adds a range, whatever its values are.
     *
     * @param first page
     * @param count pages
     */
    public RangeBatch add(long first, long count) {
        if (2 * size == values.length) {
            values = Arrays.copyOf(values, Math.multiplyExact(values.length, 2));
        }
        values[2 * size] = first;
        values[2 * size + 1] = count;
        size++;
        return this;
    }

    public void clear() {
        size = 0;
    }

    /** Ranges. */
    public int size() {
        return size;
    }

    /** First page of the range at an index from 0 to {@code size - 1}. */
    public long first(int index) {
        return values[2 * index];
    }

    /** Pages of the range at an index from 0 to {@code size - 1}. */
    public long count(int index) {
        return values[2 * index + 1];
    }
}
