package org.userload.source;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;

/**
 * The memory of a guest that is here: all of it present. While the guest runs, a page that it writes to meanwhile may be
 * read half old, half new; who reads then tracks its writes and reads such a page again. A page that is itself
 * still missing is refused, since a loop that waited for it could be the one that its arrival needs.
 *
 * <p>Pages that the guest has never touched are found by a look at the page tables, see {@link UntouchedPages}; the others
 * are read to see whether they are zero.
 *
 * <p>Does not own the memory; close it after this.
 */
public final class LivePageSource implements PageSource {
    private final GuestMemory memory;
    private final String description;
    private final UntouchedPages untouched;

    /** @param what names the guest in errors, for example {@code "guest 7"} */
    public LivePageSource(GuestMemory memory, String what) {
        this.memory = memory;
        this.description = "live memory of " + what;
        this.untouched = UntouchedPages.open(description);
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
        PageRun run = runOf(pages, firstPage, limit);
        checkPresent(pages, firstPage, run.pageCount());
        return run;
    }

    /**
     * Pages that were never written are zero without being read, all others are read. Either is true of a moment during
     * this call: nothing that says "zero" outlives it, so a write that comes later is one that a tracker reports later.
     */
    private PageRun runOf(MemoryRegion pages, long firstPage, int limit) {
        int zeros = 0;
        while (zeros < limit) {
            int lead = untouched.lead(pages, firstPage + zeros, limit - zeros);
            if (lead > 0) {
                zeros += lead;
                continue;
            }
            int read = pages.leadingZeroPages(firstPage + zeros, -lead);
            zeros += read;
            if (read < -lead) {
                return zeros > 0 ? PageRun.zero(zeros) : PageRun.data(dataPages(pages, firstPage, -lead));
            }
        }
        return PageRun.zero(zeros);
    }

    /** At least one, also if what was found there is gone again. */
    private static int dataPages(MemoryRegion pages, long firstPage, int most) {
        return Math.max(1, pages.leadingDataPages(firstPage, most));
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

    /** Pinned first: what is present then stays until it is unpinned. */
    @Override
    public @Nullable ByteBuffer pin(int region, long firstPage, int count) {
        MemoryRegion pages = memory.region(region);
        ByteBuffer bytes = pages.pin(firstPage, count);
        if (bytes != null) {
            try {
                checkPresent(pages, firstPage, count);
            } catch (PageSourceException e) {
                pages.unpin();
                throw e;
            }
        }
        return bytes;
    }

    @Override
    public void unpin(int region) {
        memory.region(region).unpin();
    }

    /** Called before and after the bytes are looked at: closed memory has no present page, and reads as zeros. */
    private void checkPresent(MemoryRegion region, long firstPage, int count) {
        long missing = region.received().nextClear(firstPage, firstPage + count);
        if (missing < firstPage + count) {
            String what =
                    memory.isClosed() ? "the memory is closed" : "the page is itself missing here, or has moved away";
            throw PageSourceException.reading(description, region.index(), missing, what, null);
        }
    }

    @Override
    public boolean giveUp(int region, long firstPage, int count) {
        PageBounds.checkRun(description, regions(), region, firstPage, count);
        memory.giveUp(region, firstPage, count);
        return true;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public void close() {
        untouched.close(); // the guest's owner closes its memory
    }
}
