package org.userload.memory;

/**
 * The size of a guest page.
 *
 * @param bytes a power of two from 4 KiB to 2 MiB
 */
public record PageSize(int bytes) {
    /** 4 KiB: the fault granularity, whatever the guest's own page size is. */
    public static final PageSize DEFAULT = new PageSize(4096);

    public PageSize {
        if (Integer.bitCount(bytes) != 1 || bytes < 4096 || bytes > 2 << 20) {
            throw new IllegalArgumentException("a page is a power of two from 4096 to 2097152 bytes, not " + bytes);
        }
    }

    /** The base-2 logarithm of the size. */
    public int shift() {
        return Integer.numberOfTrailingZeros(bytes);
    }

    /** Pages needed to hold {@code length} bytes. */
    public long pagesFor(long length) {
        return (length + bytes - 1) >>> shift();
    }
}
