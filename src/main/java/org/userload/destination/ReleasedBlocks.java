package org.userload.destination;

import java.util.Arrays;
import org.userload.linux.HugePages;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;

/** Blocks of 2 MiB in which the guest has released pages, which must not get memory again unasked. Any thread. */
final class ReleasedBlocks {
    private final int pagesPerBlock;
    private final AtomicBitmap[] blocks;

    ReleasedBlocks(GuestMemory memory) {
        pagesPerBlock = HugePages.BYTES >>> memory.table().pageSize().shift();
        blocks = new AtomicBitmap[memory.regionCount()];
        Arrays.setAll(blocks, region -> new AtomicBitmap(memory.region(region).pageCount() / pagesPerBlock + 1));
    }

    void add(int region, long firstPage, long count) {
        long first = firstPage / pagesPerBlock;
        blocks[region].set(first, (firstPage + count - 1) / pagesPerBlock - first + 1);
    }

    boolean contains(int region, long block) {
        return blocks[region].get(block);
    }
}
