package org.userload.linux;

/** What a userfaultfd reports. Addresses are host addresses, lengths bytes. */
public sealed interface UffdEvent {
    /**
     * A thread touched a missing page and sleeps until the page is installed or the range is woken.
     *
     * @param address the touched address, rounded down to a page unless {@link UffdFeature#EXACT_ADDRESS} is on
     * @param write whether the touch was a store
     * @param threadId kernel thread id of the toucher with {@link UffdFeature#THREAD_ID}, else 0
     */
    record PageFault(long address, boolean write, int threadId) implements UffdEvent {}

    /** Pages {@code [start, end)} are being dropped ({@code madvise}); from now on they are zeros. */
    record Remove(long start, long end) implements UffdEvent {}

    /** The mapping of {@code [start, end)} is gone. */
    record Unmap(long start, long end) implements UffdEvent {}

    /** {@code length} bytes moved from one address to another. */
    record Remap(long from, long to, long length) implements UffdEvent {}

    /** The process forked; {@code descriptor} is the child's userfaultfd and belongs to the reader. */
    record Fork(int descriptor) implements UffdEvent {}
}
