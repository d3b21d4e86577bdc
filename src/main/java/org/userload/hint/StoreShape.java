package org.userload.hint;

/**
 * How large a set can become, and with how many ranges it changes its form.
 *
 * <p>Changing costs a walk over all chunks, so the more chunks there are, the more ranges must have come or gone since the
 * last time: at least one for every 22 chunks, up to 3072.
 *
 * @param pages of the address space, 1 to 2^36
 */
record StoreShape(long pages) {
    static final int CHUNK_SHIFT = 16;
    private static final int LEAST = 64;
    private static final int MOST = 4096;

    int chunks() {
        return (int) ((pages + Chunk.SIZE - 1) >>> CHUNK_SHIFT);
    }

    /** With more ranges, chunks are used. */
    int mostFewRanges() {
        return Math.max(LEAST, Math.min(MOST, chunks() / 16));
    }

    /** With no more ranges than these, chunks are left. */
    int leastChunkedRanges() {
        return mostFewRanges() / 4;
    }
}
