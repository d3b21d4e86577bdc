package org.userload.destination.prefetch;

import java.util.List;
import org.userload.memory.RegionTable;
import org.userload.protocol.PageRuns;

/**
 * Pages of a guest in the order in which they were touched first. Immutable; any thread.
 *
 * <p>Pages are numbered through all regions, in the order of the table; the number is unsigned.
 */
public final class WorkingSet {
    private final RegionTable table;
    private final int[] pages;

    /** Takes runs of consecutive pages. */
    @FunctionalInterface
    public interface RunSink {
        /** @param count pages, 1 to {@link PageRuns#MAX_PREFERRED_PAGES} */
        void run(int region, long firstPage, int count);
    }

    /** @param pages each at most once, of this table; kept */
    WorkingSet(RegionTable table, int[] pages) {
        this.table = table;
        this.pages = pages;
    }

    /** Where the guest's memory lay. */
    public RegionTable table() {
        return table;
    }

    /** How many pages are in it. */
    public int pageCount() {
        return pages.length;
    }

    /** The number of a page, counted through all regions. */
    long page(int index) {
        return Integer.toUnsignedLong(pages[index]);
    }

    /** Hands the pages on in order, those that follow each other together. */
    public void forEachRun(RunSink sink) {
        RegionNumbers numbers = new RegionNumbers(table);
        int at = 0;
        while (at < pages.length) {
            long first = page(at);
            int region = numbers.regionOf(first);
            long most = Math.min(PageRuns.MAX_PREFERRED_PAGES, numbers.endOf(region) - first);
            int count = 1;
            while (count < most && at + count < pages.length && page(at + count) == first + count) {
                count++;
            }
            sink.run(region, first - numbers.firstOf(region), count);
            at += count;
        }
    }

    /** Why it is not one of a guest with this memory, for people; empty when it is. */
    public String misfit(RegionTable other) {
        if (table.equals(other)) {
            return "";
        }
        return "it was recorded of a guest with " + describe(table) + ", and this one has " + describe(other);
    }

    private static String describe(RegionTable table) {
        List<RegionTable.Entry> entries = table.entries();
        return String.format(
                "%,d pages of %d bytes in %d region%s from 0x%x on",
                table.totalPages(),
                table.pageSize().bytes(),
                entries.size(),
                entries.size() == 1 ? "" : "s",
                entries.get(0).guestAddress());
    }
}
