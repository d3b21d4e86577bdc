package org.userload.support;

import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

/** Memory whose every word tells where it belongs. */
public final class Patterns {
    private Patterns() {}

    /** The word at a guest address; a quarter of the pages are zero. */
    public static long wordAt(long address, long seed) {
        if (((address >>> 12) & 3) == (seed & 3)) {
            return 0;
        }
        long z = (seed + address) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        return z ^ (z >>> 27);
    }

    public static void fill(GuestMemory memory, long seed) {
        for (RegionTable.Entry entry : memory.table().entries()) {
            long end = entry.guestAddress() + (entry.pageCount() << 12);
            for (long address = entry.guestAddress(); address < end; address += 8) {
                memory.putLong(address, wordAt(address, seed));
            }
        }
    }

    /** The first address whose word is wrong, or -1. */
    public static long firstDifference(GuestMemory memory, long seed) {
        for (RegionTable.Entry entry : memory.table().entries()) {
            long end = entry.guestAddress() + (entry.pageCount() << 12);
            for (long address = entry.guestAddress(); address < end; address += 8) {
                if (memory.getLong(address) != wordAt(address, seed)) {
                    return address;
                }
            }
        }
        return -1;
    }
}
