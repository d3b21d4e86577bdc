package org.userload.source;

import java.nio.ByteBuffer;
import org.userload.memory.RegionTable;

/** All pages of a page source, one region after the other. Does not close the source. */
final class SourceInput implements ImageInput {
    private final PageSource source;
    private final RegionTable regions;
    private final RegionLayout layout;
    private long nextPage;

    SourceInput(PageSource source) {
        this.source = source;
        this.regions = source.regions();
        this.layout = new RegionLayout(regions);
    }

    @Override
    public int regionCount() {
        return regions.entries().size();
    }

    @Override
    public int pageBytes() {
        return regions.pageSize().bytes();
    }

    @Override
    public void fill(ByteBuffer block) {
        int pageShift = regions.pageSize().shift();
        while (block.hasRemaining() && nextPage < layout.pageCount()) {
            int region = layout.regionOf(nextPage);
            long page = layout.pageInRegion(nextPage);
            PageRun run = source.describe(region, page, block.remaining() >>> pageShift);
            if (run.isZero()) {
                ZeroBytes.put(block, (long) run.pageCount() << pageShift);
            } else {
                source.read(region, page, run.pageCount(), block);
            }
            nextPage += run.pageCount();
        }
    }

    @Override
    public RegionTable regions() {
        return regions;
    }
}
