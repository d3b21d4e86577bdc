package org.userload.hint;

/** Hears of chunks that can be removed. */
@FunctionalInterface
public interface ChunkListener {
    /**
     * The guest has released the last page of a chunk that it used. Called by the thread that did the guest's message,
     * holding no lock, so that it may remove the chunk at once; the guest may have taken it into use again by then.
     */
    void unused(int chunk);
}
