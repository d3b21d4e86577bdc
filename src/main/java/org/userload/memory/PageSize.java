package org.userload.memory;

/**
 * The size of a page in bytes: a power of two.
 *
 * @param bytes size of one page in bytes, a power of two
 */
public record PageSize(int bytes) {
    /** 4096 bytes. */
    public static final PageSize DEFAULT = new PageSize(4096);

    public PageSize {
        if (bytes <= 0 || Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException("page size must be a power of two, not " + bytes);
        }
    }

    /** The binary logarithm of the size. */
    public int shift() {
        return Integer.numberOfTrailingZeros(bytes);
    }
}
