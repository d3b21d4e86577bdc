package org.userload.report;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.userload.destination.BlockCounts;

/**
 * Memory as huge pages, in blocks of 2 MiB.
 *
 * @param blocksMoved came in one frame, the memory of which became guest memory
 * @param blocksCopied came in one frame and were copied
 * @param blocksCollapsed came in pieces, of which a huge page was made by the end
 * @param bytes memory that was huge pages at the end; -1 where the kernel does not tell
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record HugePageFigures(long blocksMoved, long blocksCopied, long blocksCollapsed, long bytes) {
    public static HugePageFigures of(BlockCounts blocks, long hugeBytes) {
        return new HugePageFigures(blocks.moved(), blocks.copied(), blocks.collapsed(), hugeBytes);
    }
}
