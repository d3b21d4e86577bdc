package org.userload.hint;

import org.jspecify.annotations.Nullable;

/**
 * 65,536 pages, of which at least one is in the set; a chunk without any is null.
 *
 * <p>Pages count from 0 within the chunk. A change gives the chunk that replaces this one: itself, another form, or null.
 * The rules for a reader during a change are those of {@link RangeStore}.
 */
abstract sealed class Chunk permits FullChunk, RunChunk, BitmapChunk {
    /** Pages. */
    static final int SIZE = 1 << StoreShape.CHUNK_SHIFT;

    /** Pages of the set in this chunk. A field, not a method, since each change of the set asks for it twice. */
    int pages;

    /** Ranges within this chunk, also those that go on in the next. */
    int runs;

    abstract Chunk add(int from, int to);

    abstract @Nullable Chunk remove(int from, int to);

    abstract boolean get(int page);

    /** The first page of the set from {@code from} on and before {@code to}, or {@code to}. */
    abstract int nextSet(int from, int to);

    /** The first page not in the set from {@code from} on and before {@code to}, or {@code to}. */
    abstract int nextClear(int from, int to);

    abstract Chunk copy();
}
