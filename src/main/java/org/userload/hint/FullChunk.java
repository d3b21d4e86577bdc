package org.userload.hint;

import org.jspecify.annotations.Nullable;

/** A chunk of which all pages are in the set. There is one of it, without state. */
final class FullChunk extends Chunk {
    static final FullChunk FULL = new FullChunk();

    private FullChunk() {
        pages = SIZE;
        runs = 1;
    }

    @Override
    Chunk add(int from, int to) {
        return this;
    }

    @Override
    @Nullable
    Chunk remove(int from, int to) {
        return to - from == SIZE ? null : RunChunk.allBut(from, to);
    }

    @Override
    boolean get(int page) {
        return true;
    }

    @Override
    int nextSet(int from, int to) {
        return from;
    }

    @Override
    int nextClear(int from, int to) {
        return to;
    }

    @Override
    Chunk copy() {
        return this;
    }
}
