package org.userload.hint;

/** Takes what a guest reports as free. */
@FunctionalInterface
public interface FreePageSink {
    /**
     * These pages are free. Not trusted: whoever takes it checks it.
     *
     * @param guestAddress of the first page
     * @param pages how many
     */
    void free(long guestAddress, long pages);
}
