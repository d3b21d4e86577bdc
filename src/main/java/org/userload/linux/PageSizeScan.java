package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells how much of a range of this process has memory, and how much of that are huge pages: {@code PAGEMAP_SCAN} of {@code
 * /proc/self/pagemap} (Linux 6.7), reading only.
 *
 * <p>One thread. {@link #close} is idempotent; no use after it.
 */
public final class PageSizeScan implements AutoCloseable {
    private final int fd;
    private final ByteBuffer argument = direct(PagemapLayout.ARG_BYTES);
    private final ByteBuffer runs = direct(PagemapScan.MAX_RUNS * PagemapLayout.REGION_BYTES);
    private final AtomicBoolean closed = new AtomicBoolean();

    private PageSizeScan(int fd) {
        this.fd = fd;
        argument.putLong(PagemapLayout.ARG_SIZE, PagemapLayout.ARG_BYTES);
        argument.putLong(PagemapLayout.ARG_VEC, NativeBuffers.address(runs));
        argument.putLong(PagemapLayout.ARG_VEC_LEN, PagemapScan.MAX_RUNS);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /**
     * Opens this process's pagemap.
     *
     * @throws NativeException when {@code /proc/self/pagemap} cannot be opened
     * @throws NativeException.NotSupportedException when the kernel does not know the ioctl
     */
    public static PageSizeScan open() {
        int fd = (int) NativeFailure.check(
                "open(/proc/self/pagemap)", LibC.C.open("/proc/self/pagemap", UffdLayout.O_CLOEXEC), 0, 0);
        PageSizeScan scan = new PageSizeScan(fd);
        try {
            scan.hugeBytes(0, 0); // an empty range: only a kernel without the ioctl refuses it
        } catch (RuntimeException e) {
            scan.close();
            throw e;
        }
        return scan;
    }

    /** Bytes of a range that are huge pages, mapped as such. Address and length in bytes, page-aligned. */
    public long hugeBytes(long address, long length) {
        return bytes(address, length, PagemapLayout.PAGE_IS_HUGE, 0);
    }

    /** Bytes of a range that have memory of their own: neither untouched, nor the kernel's zero page, nor swapped out. */
    public long populatedBytes(long address, long length) {
        return bytes(
                address,
                length,
                PagemapLayout.PAGE_IS_PRESENT | PagemapLayout.PAGE_IS_PFNZERO,
                PagemapLayout.PAGE_IS_PFNZERO);
    }

    /** Bytes of pages that are in every category of {@code mask}, and in none of {@code inverted}, which is part of it. */
    private long bytes(long address, long length, long mask, long inverted) {
        argument.putLong(PagemapLayout.ARG_CATEGORY_INVERTED, inverted);
        argument.putLong(PagemapLayout.ARG_CATEGORY_MASK, mask);
        argument.putLong(PagemapLayout.ARG_RETURN_MASK, mask);
        long end = address + length;
        long at = address;
        long bytes = 0;
        do {
            int found = scan(at, end);
            for (int i = 0; i < found; i++) {
                int run = i * PagemapLayout.REGION_BYTES;
                bytes += runs.getLong(run + PagemapLayout.REGION_END) - runs.getLong(run + PagemapLayout.REGION_START);
            }
            at = Math.max(at, argument.getLong(PagemapLayout.ARG_WALK_END));
            if (found < PagemapScan.MAX_RUNS) {
                return bytes;
            }
        } while (at < end);
        return bytes;
    }

    private int scan(long start, long end) {
        argument.putLong(PagemapLayout.ARG_START, start);
        argument.putLong(PagemapLayout.ARG_END, end);
        argument.putLong(PagemapLayout.ARG_WALK_END, 0);
        int found = LibC.C.ioctl(fd, PagemapLayout.PAGEMAP_SCAN, NativeBuffers.address(argument));
        Reference.reachabilityFence(this);
        return (int) NativeFailure.check("PAGEMAP_SCAN", found, start, end - start);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.close(fd);
        }
    }
}
