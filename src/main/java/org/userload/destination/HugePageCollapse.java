package org.userload.destination;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.linux.Errno;
import org.userload.linux.HugePages;
import org.userload.linux.NativeException;
import org.userload.linux.PageSizeScan;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Makes huge pages of guest memory that has come in pieces, once it is ordinary memory: block by block, at most {@value
 * #BLOCKS_PER_SECOND} a second, on the thread {@code userload-collapse}.
 *
 * <p>A block is left as it is when the guest has released pages of it, which would get their memory again, and when more than
 * {@value #MOST_EMPTY_PAGES} of its pages have no memory. So memory grows by an eighth at most. Needs Linux 6.7.
 *
 * <p>{@link #close} waits for the block under way, a millisecond or so.
 */
final class HugePageCollapse implements AutoCloseable {
    /** 512 MiB a second: some tenth of a processor. */
    static final int BLOCKS_PER_SECOND = 256;

    /** Of the 512 of a block. */
    static final int MOST_EMPTY_PAGES = 64;

    /** When the kernel has had no huge page so often in a row, it has none. */
    private static final int MOST_FAILURES = 8;

    private static final Logger LOG = LoggerFactory.getLogger(HugePageCollapse.class);

    private final GuestMemory memory;
    private final ReleasedBlocks released;
    private final int mostEmptyPages;
    private final LongAdder collapsed = new LongAdder();
    private @Nullable Thread thread;
    private boolean closed;

    /** @param anyMayBeDropped whether pages may have been dropped by others than this library: then none may be empty */
    HugePageCollapse(GuestMemory memory, ReleasedBlocks released, boolean anyMayBeDropped) {
        this.memory = memory;
        this.released = released;
        this.mostEmptyPages = anyMayBeDropped ? 0 : MOST_EMPTY_PAGES;
    }

    /** Every page is in place and no registration is left. Once; nothing happens after {@link #close}. */
    synchronized void start() {
        if (!closed) {
            Thread starting = new Thread(this::run, "userload-collapse");
            starting.setDaemon(true);
            starting.start();
            thread = starting;
        }
    }

    /** How much of the memory are huge pages, in bytes; -1 where the kernel does not tell (before Linux 6.7). Any thread. */
    long hugeBytes() {
        try (PageSizeScan scan = PageSizeScan.open()) {
            long bytes = 0;
            for (int i = 0; i < memory.regionCount(); i++) {
                MemoryRegion region = memory.region(i);
                bytes += scan.hugeBytes(region.hostAddress(), region.sizeBytes());
            }
            return bytes;
        } catch (NativeException e) {
            return -1;
        }
    }

    /** Blocks of which a huge page was made. */
    long collapsedBlocks() {
        return collapsed.sum();
    }

    private void run() {
        try (PageSizeScan scan = PageSizeScan.open()) {
            collapse(scan);
        } catch (NativeException e) {
            LOG.info("memory that came in pieces stays small pages: {}", e.getMessage());
        }
    }

    private void collapse(PageSizeScan scan) {
        long startNanos = System.nanoTime();
        int failures = 0;
        for (int i = 0; i < memory.regionCount(); i++) {
            MemoryRegion region = memory.region(i);
            long blocks = region.sizeBytes() / HugePages.BYTES;
            for (long block = 0; block < blocks && failures < MOST_FAILURES; block++) {
                long address = region.hostAddress() + block * HugePages.BYTES;
                if (!isWanted(scan, i, block, address)) {
                    continue;
                }
                if (!awaitTurn(startNanos)) {
                    return;
                }
                int errno = HugePages.collapse(address);
                failures = errno == 0 ? 0 : errno == Errno.EINVAL ? MOST_FAILURES : failures + 1;
                collapsed.add(errno == 0 ? 1 : 0);
            }
        }
    }

    private boolean isWanted(PageSizeScan scan, int region, long block, long address) {
        return !released.contains(region, block)
                && scan.populatedBytes(address, HugePages.BYTES)
                        >= HugePages.BYTES
                                - mostEmptyPages
                                        * (long) memory.table().pageSize().bytes()
                && scan.hugeBytes(address, HugePages.BYTES) == 0;
    }

    /** Waits until the next block may be taken; false when there is to be none. */
    private synchronized boolean awaitTurn(long startNanos) {
        long due = startNanos + collapsed.sum() * TimeUnit.SECONDS.toNanos(1) / BLOCKS_PER_SECOND;
        try {
            for (long wait = due - System.nanoTime(); !closed && wait > 0; wait = due - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, wait);
            }
        } catch (InterruptedException e) {
            return false; // nobody but who wants its end
        }
        return !closed;
    }

    @Override
    public void close() {
        Thread running;
        synchronized (this) {
            closed = true;
            notifyAll();
            running = thread;
        }
        boolean interrupted = false;
        while (running != null && running.isAlive()) {
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
