package org.userload.source;

import java.nio.ByteBuffer;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;

/**
 * The memory of a guest that is here: all of it present. While the guest runs, a page that it writes to meanwhile may be
 * read half old, half new; who reads then tracks its writes and reads such a page again. A page that is itself
 * still missing is refused, since a loop that waited for it could be the one that its arrival needs.
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
        MemoryRegion pages = memory.region(region);
        checkPresent(pages, firstPage, limit);
        boolean zero = pages.isZeroPage(firstPage);
        int count = 1;
        while (count < limit && pages.isZeroPage(firstPage + count) == zero) {
            count++;
        }
        checkPresent(pages, firstPage, count);
        return zero ? PageRun.zero(count) : PageRun.data(count);
    }

    @Override
    public void read(int region, long firstPage, int count, ByteBuffer dst) {
        PageBounds.checkRead(description, regions(), region, firstPage, count, dst);
        MemoryRegion pages = memory.region(region);
        checkPresent(pages, firstPage, count);
        int start = dst.position();
        pages.copyTo(firstPage << pages.pageShift(), count << pages.pageShift(), dst);
        try {
            checkPresent(pages, firstPage, count);
        } catch (PageSourceException e) {
            dst.position(start);
            throw e;
        }
    }

    /** Called before and after the bytes are looked at: closed memory has no present page, and reads as zeros. */
    private void checkPresent(MemoryRegion region, long firstPage, int count) {
        long missing = region.received().nextClear(firstPage, firstPage + count);
        if (missing < firstPage + count) {
            String what = memory.isClosed() ? "the memory is closed" : "the page is itself missing here";
            throw PageSourceException.reading(description, region.index(), missing, what, null);
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
