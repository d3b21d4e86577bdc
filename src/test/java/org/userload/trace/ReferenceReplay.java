package org.userload.trace;

import java.util.List;
import java.util.TreeSet;

/**
 * docs/replay.md read aloud: byte by byte, with nothing shared with the code under test. Pages are found with a
 * TreeSet; memory is one array.
 */
final class ReferenceReplay {
    final byte[] memory;
    long checksum;

    private final List<Long> pages;

    ReferenceReplay(List<TestTraces.Entry> entries, long seed) {
        pages = sortedPages(entries);
        memory = new byte[pages.size() * 4096];
        for (int i = 0; i < memory.length; i++) {
            long word = splitMix(seed + (i / 8 + 1) * 0x9E3779B97F4A7C15L);
            memory[i] = (byte) (word >>> (8 * (i % 8)));
        }
        checksum = splitMix(seed ^ 0x64616F6C72657375L);
        for (TestTraces.Entry entry : entries) {
            perform(entry);
        }
    }

    /** First addresses of the distinct pages, in unsigned order. */
    static List<Long> sortedPages(List<TestTraces.Entry> entries) {
        TreeSet<Long> pages = new TreeSet<>(Long::compareUnsigned);
        for (TestTraces.Entry entry : entries) {
            for (int i = 0; i < entry.sizeBytes(); i++) {
                pages.add((entry.address() + i) & ~4095L);
            }
        }
        return List.copyOf(pages);
    }

    private int guestAddress(long address) {
        int page = java.util.Collections.binarySearch(pages, address & ~4095L, Long::compareUnsigned);
        return page * 4096 + (int) (address & 4095);
    }

    private void perform(TestTraces.Entry entry) {
        if (entry.operation() != Operation.WRITE) {
            for (int start = 0; start < entry.sizeBytes(); start += 8) {
                long word = 0;
                for (int i = start; i < Math.min(start + 8, entry.sizeBytes()); i++) {
                    word |= (memory[guestAddress(entry.address() + i)] & 0xFFL) << (8 * (i - start));
                }
                long product = (checksum ^ word) * 0xBF58476D1CE4E5B9L;
                checksum = (product << 29 | product >>> 35) + 0x9E3779B97F4A7C15L;
            }
        }
        if (entry.operation() == Operation.WRITE || entry.operation() == Operation.MODIFY) {
            for (int start = 0; start < entry.sizeBytes(); start += 8) {
                checksum += 0x9E3779B97F4A7C15L;
                long word = splitMix(checksum);
                for (int i = start; i < Math.min(start + 8, entry.sizeBytes()); i++) {
                    memory[guestAddress(entry.address() + i)] = (byte) (word >>> (8 * (i - start)));
                }
            }
        }
    }

    private static long splitMix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
