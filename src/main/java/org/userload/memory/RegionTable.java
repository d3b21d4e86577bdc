package org.userload.memory;

import java.util.List;

/**
 * The regions of a guest's memory, in order.
 *
 * @param pageSize size of every page of every region
 * @param entries the regions; a region's number is its index in this list
 */
public record RegionTable(PageSize pageSize, List<RegionTable.Entry> entries) {
    public RegionTable {
        entries = List.copyOf(entries);
    }

    /**
     * One region.
     *
     * @param guestAddress address of its first byte, in bytes
     * @param pageCount its length in pages
     */
    public record Entry(long guestAddress, long pageCount) {}
}
