package org.userload.trace;

import java.util.Arrays;

/**
 * Numbers the distinct pages of a trace while it is loaded, in the order of their first access, and gives them their
 * final order when it is complete: by address.
 *
 * <p>An open-addressing hash table from page number (address / 4096) to discovery index; 16 bytes a slot, at most half
 * full. Used by one thread.
 */
final class PageNumbers {
    private static final int INITIAL_SLOTS = 1 << 12;
    private static final int MAX_SLOTS = 1 << 30;

    /** The most distinct pages that a trace can have: 2 TiB of guest memory. */
    static final int MAX_PAGES = MAX_SLOTS / 2;

    /** Page number + 1, so that 0 is an empty slot. Page numbers have 52 bits. */
    private long[] keys = new long[INITIAL_SLOTS];

    private int[] indexes = new int[INITIAL_SLOTS];
    private int count;
    private long lastPage = -1;
    private int lastIndex;

    int count() {
        return count;
    }

    /** The discovery index of a page, which is numbered if it is new. */
    int indexOf(long page) {
        if (page == lastPage) {
            return lastIndex;
        }
        int slot = slotOf(keys, page);
        if (keys[slot] == 0) {
            if (count >= keys.length / 2) {
                grow();
                slot = slotOf(keys, page);
            }
            keys[slot] = page + 1;
            indexes[slot] = count++;
        }
        lastPage = page;
        lastIndex = indexes[slot];
        return lastIndex;
    }

    private static int slotOf(long[] keys, long page) {
        int mask = keys.length - 1;
        int slot = (int) ReplayArithmetic.mix64(page) & mask;
        while (keys[slot] != 0 && keys[slot] != page + 1) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        if (keys.length == MAX_SLOTS) {
            throw new OutOfMemoryError("more than " + MAX_PAGES + " distinct pages");
        }
        long[] biggerKeys = new long[keys.length * 2];
        int[] biggerIndexes = new int[biggerKeys.length];
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != 0) {
                int slot = slotOf(biggerKeys, keys[i] - 1);
                biggerKeys[slot] = keys[i];
                biggerIndexes[slot] = indexes[i];
            }
        }
        keys = biggerKeys;
        indexes = biggerIndexes;
    }

    /** The page numbers, ascending. As page numbers have 52 bits, this is the unsigned order of addresses. */
    long[] sorted() {
        long[] pages = new long[count];
        int next = 0;
        for (long key : keys) {
            if (key != 0) {
                pages[next++] = key - 1;
            }
        }
        Arrays.sort(pages);
        return pages;
    }

    /** For each discovery index the rank of its page in {@code sortedPages}. */
    int[] ranks(long[] sortedPages) {
        int[] ranks = new int[count];
        for (int rank = 0; rank < count; rank++) {
            ranks[indexes[slotOf(keys, sortedPages[rank])]] = rank;
        }
        return ranks;
    }
}
