package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Finds the pages of this process that were written since they were last protected, and protects them again in the same
 * walk: the {@code PAGEMAP_SCAN} ioctl of {@code /proc/self/pagemap} (Linux 6.7).
 *
 * <p>See {@code Documentation/admin-guide/mm/pagemap.rst} of the kernel and {@code PAGEMAP_SCAN(2const)}. The range must
 * be registered by {@link Userfaultfd#registerForWrites} with {@link UffdFeature#WP_ASYNC} switched on.
 *
 * <p><b>Exactness.</b> The kernel looks at a page table entry, reports it and protects it under one page table lock, and
 * flushes the translations of every CPU before it lets go. So a write is either before that, and then in memory when
 * {@link #take} returns, or it faults and is kept for the next scan. A scan that ends because its vector is full has
 * protected only what it reported.
 *
 * <p><b>Vector.</b> The kernel collects at most {@value #MAX_RUNS} runs at a time and gives the lock on the address space
 * back in between. It notes where it stopped only when such a batch is full, so that with a longer vector the end of
 * the walk that it returns may lie before what it reported. Therefore a vector is never longer here.
 *
 * <p><b>Threads.</b> One at a time. {@link #close} is idempotent; after it {@code take} throws {@link
 * IllegalStateException}.
 */
public final class PagemapScan implements AutoCloseable {
    /** Most runs of one scan: the kernel's own batch, one page table of 4 KiB pages. */
    public static final int MAX_RUNS = 512;

    private final int fd;
    private final ByteBuffer argument =
            ByteBuffer.allocateDirect(PagemapLayout.ARG_BYTES).order(ByteOrder.nativeOrder());
    private final ByteBuffer vector;
    private final long argumentAddress = NativeBuffers.address(argument);
    private final AtomicBoolean closed = new AtomicBoolean();

    private PagemapScan(int fd, int runs) {
        this.fd = fd;
        this.vector =
                ByteBuffer.allocateDirect(runs * PagemapLayout.REGION_BYTES).order(ByteOrder.nativeOrder());
        argument.putLong(PagemapLayout.ARG_SIZE, PagemapLayout.ARG_BYTES);
        argument.putLong(
                PagemapLayout.ARG_FLAGS, PagemapLayout.PM_SCAN_WP_MATCHING | PagemapLayout.PM_SCAN_CHECK_WPASYNC);
        argument.putLong(PagemapLayout.ARG_VEC, NativeBuffers.address(vector));
        argument.putLong(PagemapLayout.ARG_VEC_LEN, runs);
        argument.putLong(PagemapLayout.ARG_CATEGORY_MASK, PagemapLayout.PAGE_IS_WRITTEN);
        argument.putLong(PagemapLayout.ARG_RETURN_MASK, PagemapLayout.PAGE_IS_WRITTEN);
    }

    /**
     * Opens this process's pagemap.
     *
     * @param runs length of the vector, 1 to {@link #MAX_RUNS}
     * @throws NativeException when {@code /proc/self/pagemap} cannot be opened
     * @throws NativeException.NotSupportedException when the kernel does not know the ioctl
     */
    public static PagemapScan open(int runs) {
        if (runs < 1 || runs > MAX_RUNS) {
            throw new IllegalArgumentException("a scan has 1 to " + MAX_RUNS + " runs, not " + runs);
        }
        int fd = (int) NativeFailure.check(
                "open(/proc/self/pagemap)", LibC.C.open("/proc/self/pagemap", UffdLayout.O_CLOEXEC), 0, 0);
        PagemapScan scan = new PagemapScan(fd, runs);
        try {
            scan.take(0, 0); // an empty range: only a kernel without the ioctl refuses it
        } catch (RuntimeException e) {
            scan.close();
            throw e;
        }
        return scan;
    }

    /**
     * Takes the written pages of {@code [start, end)}: reports them as runs in ascending order and protects them. Ends
     * at {@link #walkEnd}, which lies before {@code end} when the vector is full.
     *
     * @param start first host address, page-aligned
     * @param end host address after the last byte, page-aligned
     * @return how many runs there are
     * @throws NativeException.NotPermittedException when a part of the range is not registered for asynchronous write
     *     protection. After an error some pages may have been protected and not reported
     */
    public int take(long start, long end) {
        if (closed.get()) {
            throw new IllegalStateException("the pagemap is closed");
        }
        argument.putLong(PagemapLayout.ARG_START, start);
        argument.putLong(PagemapLayout.ARG_END, end);
        argument.putLong(PagemapLayout.ARG_WALK_END, 0);
        int runs = LibC.C.ioctl(fd, PagemapLayout.PAGEMAP_SCAN, argumentAddress);
        Reference.reachabilityFence(this);
        return (int) NativeFailure.check("PAGEMAP_SCAN", runs, start, end - start);
    }

    /** Host address up to which the last scan has looked. */
    public long walkEnd() {
        return argument.getLong(PagemapLayout.ARG_WALK_END);
    }

    /** First host address of a run of the last scan. */
    public long runStart(int run) {
        return vector.getLong(run * PagemapLayout.REGION_BYTES + PagemapLayout.REGION_START);
    }

    /** Host address after the last byte of a run of the last scan. */
    public long runEnd(int run) {
        return vector.getLong(run * PagemapLayout.REGION_BYTES + PagemapLayout.REGION_END);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.close(fd);
        }
    }
}
