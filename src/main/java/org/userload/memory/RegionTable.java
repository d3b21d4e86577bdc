package org.userload.memory;

import java.util.List;

/**
 * Where guest memory lies: the regions in ascending order of guest address, none overlapping another.
 *
 * @param pageSize the page size of every region
 * @param entries 1 to {@link #MAX_REGIONS} regions
 */
public record RegionTable(PageSize pageSize, List<Entry> entries) {
    /** Most regions that a table holds. */
    public static final int MAX_REGIONS = 4096;

    /** Most pages of all regions together: 16 TiB of 4 KiB pages. */
    public static final long MAX_PAGES = 1L << 32;

    /**
     * One region.
     *
     * @param guestAddress first guest address, page-aligned
     * @param pageCount pages, 1 to {@link #MAX_PAGES}
     */
    public record Entry(long guestAddress, long pageCount) {}

    /** Checks every entry; throws {@link IllegalArgumentException} that names the first wrong one. */
    public RegionTable {
        entries = List.copyOf(entries);
        if (entries.isEmpty() || entries.size() > MAX_REGIONS) {
            throw new IllegalArgumentException(
                    "a region table has 1 to " + MAX_REGIONS + " regions, not " + entries.size());
        }
        long previousEnd = 0;
        long total = 0;
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.pageCount < 1 || entry.pageCount > MAX_PAGES) {
                throw new IllegalArgumentException("region " + i + " has " + entry.pageCount + " pages");
            }
            long bytes = entry.pageCount << pageSize.shift();
            if (entry.guestAddress < 0
                    || (entry.guestAddress & (pageSize.bytes() - 1)) != 0
                    || entry.guestAddress > Long.MAX_VALUE - bytes) {
                throw new IllegalArgumentException(String.format(
                        "region %d: guest address 0x%x is not page-aligned in the address space",
                        i, entry.guestAddress));
            }
            if (entry.guestAddress < previousEnd) {
                throw new IllegalArgumentException(
                        String.format("region %d at 0x%x overlaps the region before it", i, entry.guestAddress));
            }
            previousEnd = entry.guestAddress + bytes;
            total += entry.pageCount;
            if (total > MAX_PAGES) {
                throw new IllegalArgumentException("the regions have more than " + MAX_PAGES + " pages together");
            }
        }
    }

    /** One region from guest address 0. */
    public static RegionTable single(long pageCount) {
        return new RegionTable(PageSize.DEFAULT, List.of(new Entry(0, pageCount)));
    }

    /** Pages of all regions. */
    public long totalPages() {
        return entries.stream().mapToLong(Entry::pageCount).sum();
    }

    /** Bytes of all regions. */
    public long totalBytes() {
        return totalPages() << pageSize.shift();
    }
}
