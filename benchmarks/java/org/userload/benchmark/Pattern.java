package org.userload.benchmark;

import org.userload.memory.GuestMemory;

/** Memory contents and seeded random numbers, the same splitmix64 sequences as {@code benchmarks/floor}. */
final class Pattern {
    static final long SEED = 1;

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private Pattern() {}

    static long mix64(long value) {
        long z = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    /** Word {@code index} of memory. */
    static long word(long index, long seed) {
        return mix64(seed + (index + 1) * GOLDEN);
    }

    static void fill(GuestMemory memory, long seed) {
        long words = memory.sizeBytes() / Long.BYTES;
        for (long i = 0; i < words; i++) {
            memory.putLong(i * Long.BYTES, word(i, seed));
        }
    }

    /** Throws unless every word is as {@link #fill} wrote it. */
    static void verify(GuestMemory memory, long seed) {
        long words = memory.sizeBytes() / Long.BYTES;
        for (long i = 0; i < words; i++) {
            if (memory.getLong(i * Long.BYTES) != word(i, seed)) {
                throw new IllegalStateException("wrong word at guest address " + i * Long.BYTES);
            }
        }
    }

    /** Random numbers below a bound. */
    static final class Random {
        private long state;

        Random(long seed) {
            state = mix64(seed);
        }

        /** A number below {@code bound}, which fits in 32 bits. */
        int below(int bound) {
            state += GOLDEN;
            return (int) (((mix64(state) >>> 32) * bound) >>> 32);
        }
    }

    /** The first {@code count} of a random permutation of {@code pages} page numbers. */
    static int[] randomOrder(int pages, int count, long seed) {
        int[] order = new int[pages];
        for (int i = 0; i < pages; i++) {
            order[i] = i;
        }
        Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            int other = i + random.below(pages - i);
            int page = order[other];
            order[other] = order[i];
            order[i] = page;
        }
        return java.util.Arrays.copyOf(order, count);
    }
}
