package org.userload.source;

import java.nio.ByteBuffer;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;

/**
 * The memory of a guest that is paused here: all of it present, and nobody writes to it any more.
 *
 * <p>Does not own the memory; close it after this.
 */
public final class LivePageSource implements PageSource {
    private final GuestMemory memory;
    private final String description;

    /** @param what names the guest in errors, for example {@code "guest 7"} */
    public LivePageSource(GuestMemory memory, String what) {
        this.memory = memory;
        this.description = "live memory of " + what;
    }

    @Override
    public RegionTable regions() {
        return memory.table();
    }

    @Override
    public PageRun describe(int region, long firstPage, int maxPages) {
        int limit = PageBounds.checkRun(description, regions(), region, firstPage, maxPages);
        checkOpen(region, firstPage);
        MemoryRegion pages = memory.region(region);
        boolean zero = pages.isZeroPage(firstPage);
        int count = 1;
        while (count < limit && pages.isZeroPage(firstPage + count) == zero) {
            count++;
        }
        checkOpen(region, firstPage);
        return zero ? PageRun.zero(count) : PageRun.data(count);
    }

    @Override
    public void read(int region, long firstPage, int count, ByteBuffer dst) {
        PageBounds.checkRead(description, regions(), region, firstPage, count, dst);
        checkOpen(region, firstPage);
        MemoryRegion pages = memory.region(region);
        int start = dst.position();
        pages.copyTo(firstPage << pages.pageShift(), count << pages.pageShift(), dst);
        if (memory.isClosed()) {
            // What was read may be the zeros of closed memory.
            dst.position(start);
            checkOpen(region, firstPage);
        }
    }

    private void checkOpen(int region, long page) {
        if (memory.isClosed()) {
            throw PageSourceException.reading(description, region, page, "the memory is closed", null);
        }
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public void close() {
        // The guest's owner closes its memory.
    }
}
