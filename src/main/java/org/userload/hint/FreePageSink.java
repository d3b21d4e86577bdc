package org.userload.hint;

/**
 * Takes what a guest reports as free. Not trusted: whoever takes it checks it.
 *
 * <p>Reports come in messages of many pages. A sink that can take them at once implements the other two methods as well.
 */
@FunctionalInterface
public interface FreePageSink {
    /**
     * These pages are free.
     *
     * @param guestAddress of the first page
     * @param pages how many
     */
    void free(long guestAddress, long pages);

    /**
     * All of these are free. In pages of 4096 bytes from guest address 0; each range has a page and none overflows.
     *
     * @param ranges valid during the call
     */
    default void freeRanges(RangeBatch ranges) {
        for (int i = 0; i < ranges.size(); i++) {
            free(ranges.first(i) << MemoryMessage.PAGE_SHIFT, ranges.count(i));
        }
    }

    /**
     * Those with a bit set are free. In pages of 4096 bytes from guest address 0.
     *
     * @param bits valid during the call
     */
    default void freeBits(FreeBits bits) {
        bits.forEachRun((first, count) -> free(first << MemoryMessage.PAGE_SHIFT, count));
    }
}
