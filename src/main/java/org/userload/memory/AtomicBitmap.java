package org.userload.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A lock-free bitmap, one bit per page.
 *
 * <p>{@link #get} has acquire and every change has release semantics: whoever sees a bit set sees what was written
 * before it was set. Any thread may call any method. Indexes run from 0 to {@code size - 1} and are not checked on the
 * single-bit calls beyond the bounds of the words behind them.
 */
public final class AtomicBitmap {
    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int SHIFT = 6;
    private static final long ALL = -1L;

    private final long[] words;
    private final long size;

    /**
     * All bits clear.
     *
     * @param size bits, 1 to 2^36
     */
    public AtomicBitmap(long size) {
        if (size < 1 || size > 1L << 36) {
            throw new IllegalArgumentException("a bitmap has 1 to 2^36 bits, not " + size);
        }
        this.size = size;
        this.words = new long[Math.toIntExact((size + Long.SIZE - 1) >>> SHIFT)];
    }

    public long size() {
        return size;
    }

    public boolean get(long index) {
        return ((long) WORDS.getAcquire(words, (int) (index >>> SHIFT)) >>> index & 1) != 0;
    }

    /** Sets a bit; gives whether this call changed it. */
    public boolean set(long index) {
        long bit = 1L << index;
        return ((long) WORDS.getAndBitwiseOr(words, (int) (index >>> SHIFT), bit) & bit) == 0;
    }

    /** Clears a bit; gives whether this call changed it. */
    public boolean clear(long index) {
        long bit = 1L << index;
        return ((long) WORDS.getAndBitwiseAnd(words, (int) (index >>> SHIFT), ~bit) & bit) != 0;
    }

    /** Sets {@code count} bits from {@code first}; gives how many this call changed. Atomic per 64 bits. */
    public long set(long first, long count) {
        checkRange(first, count);
        long changed = 0;
        long end = first + count;
        for (long index = first; index < end; index = nextWord(index)) {
            long mask = maskWithin(index, end);
            long before = (long) WORDS.getAndBitwiseOr(words, (int) (index >>> SHIFT), mask);
            changed += Long.bitCount(mask & ~before);
        }
        return changed;
    }

    /**
     * Sets {@code count} bits from {@code first}, and those of them that this call changed in {@code next}, too, afterwards.
     * Of two calls that race for a bit, one alone passes it on.
     *
     * @param next another bitmap of the same size
     * @return how many bits this call changed here
     */
    public long setAndPassOn(long first, long count, AtomicBitmap next) {
        checkRange(first, count);
        next.checkRange(first, count);
        long changed = 0;
        long end = first + count;
        for (long index = first; index < end; index = nextWord(index)) {
            long mask = maskWithin(index, end);
            int word = (int) (index >>> SHIFT);
            long mine = mask & ~(long) WORDS.getAndBitwiseOr(words, word, mask);
            if (mine != 0) {
                WORDS.getAndBitwiseOr(next.words, word, mine);
                changed += Long.bitCount(mine);
            }
        }
        return changed;
    }

    /** Clears {@code count} bits from {@code first}; gives how many this call changed. Atomic per 64 bits. */
    public long clear(long first, long count) {
        checkRange(first, count);
        long changed = 0;
        long end = first + count;
        for (long index = first; index < end; index = nextWord(index)) {
            long mask = maskWithin(index, end);
            long before = (long) WORDS.getAndBitwiseAnd(words, (int) (index >>> SHIFT), ~mask);
            changed += Long.bitCount(mask & before);
        }
        return changed;
    }

    /** Index of the first set bit from {@code from} on and before {@code limit}, or {@code limit}. */
    public long nextSet(long from, long limit) {
        return next(from, limit, 0);
    }

    /** Index of the first clear bit from {@code from} on and before {@code limit}, or {@code limit}. */
    public long nextClear(long from, long limit) {
        return next(from, limit, ALL);
    }

    /** Set bits; a snapshot that may miss changes made meanwhile. */
    public long cardinality() {
        long count = 0;
        for (int i = 0; i < words.length; i++) {
            count += Long.bitCount((long) WORDS.getAcquire(words, i));
        }
        return count;
    }

    /** Bits that are clear here and in each of the others, which have this size; a snapshot as {@link #cardinality()}. */
    public long countClear(AtomicBitmap... others) {
        long clear = size;
        for (int i = 0; i < words.length; i++) {
            long set = (long) WORDS.getAcquire(words, i);
            for (AtomicBitmap other : others) {
                set |= (long) WORDS.getAcquire(other.words, i);
            }
            clear -= Long.bitCount(set);
        }
        return clear;
    }

    /** Set bits among {@code count} from {@code first}. */
    public long cardinality(long first, long count) {
        checkRange(first, count);
        long set = 0;
        long end = first + count;
        for (long index = first; index < end; index = nextWord(index)) {
            set += Long.bitCount((long) WORDS.getAcquire(words, (int) (index >>> SHIFT)) & maskWithin(index, end));
        }
        return set;
    }

    /** Searches for a bit that differs from {@code pattern}. */
    private long next(long from, long limit, long pattern) {
        long end = Math.min(limit, size);
        for (long index = from; index < end; index = nextWord(index)) {
            long found = ((long) WORDS.getAcquire(words, (int) (index >>> SHIFT)) ^ pattern) & ALL << index;
            if (found != 0) {
                long at = (index & -Long.SIZE) + Long.numberOfTrailingZeros(found);
                return at < end ? at : limit;
            }
        }
        return limit;
    }

    /**
     * Sets bit {@code first + i} for each bit <i>i</i> that is set in {@code bits}. Atomic per word, so per 64 bits if {@code
     * first} is a multiple of 64.
     */
    public void setBits(long first, long bits) {
        if (bits == 0) {
            return;
        }
        checkRange(first, Long.SIZE - Long.numberOfLeadingZeros(bits));
        int word = (int) (first >>> SHIFT);
        int shift = (int) first & (Long.SIZE - 1);
        long low = bits << shift;
        long high = shift == 0 ? 0 : bits >>> (Long.SIZE - shift);
        if (low != 0) {
            WORDS.getAndBitwiseOr(words, word, low);
        }
        if (high != 0) {
            WORDS.getAndBitwiseOr(words, word + 1, high);
        }
    }

    private static long nextWord(long index) {
        return (index & -Long.SIZE) + Long.SIZE;
    }

    /** Bits from {@code index} to the end of its word or to {@code end}, whichever comes first. */
    private static long maskWithin(long index, long end) {
        long mask = ALL << index;
        long left = end - (index & -Long.SIZE);
        return left >= Long.SIZE ? mask : mask & ALL >>> -left;
    }

    private void checkRange(long first, long count) {
        if (first < 0 || count < 0 || first > size - count) {
            throw new IndexOutOfBoundsException(
                    count + " bits from " + first + " do not lie within a bitmap of " + size + " bits");
        }
    }
}
