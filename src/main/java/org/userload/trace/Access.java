package org.userload.trace;

/** The limits every access obeys, in every format, and the fields the text formats share. */
final class Access {
    /**
     * Largest size of one access, in bytes. Lackey's own limit is 512 (the largest data access a Valgrind helper may
     * declare); vector code reaches 64. At most one page keeps the number of pages an access can touch at two.
     */
    static final int MAX_SIZE_BYTES = 4096;

    static final String SIZE_EXPECTED = "a size from 1 to " + MAX_SIZE_BYTES + " bytes";
    static final String END_EXPECTED = "an access that ends at or below 2^64";

    /** Digits of the largest address. */
    static final int MAX_HEX_DIGITS = 16;

    private static final int MAX_SIZE_DIGITS = 9;

    private Access() {}

    static boolean isSize(long sizeBytes) {
        return sizeBytes >= 1 && sizeBytes <= MAX_SIZE_BYTES;
    }

    /** Whether the last byte lies below 2^64. */
    static boolean fits(long address, int sizeBytes) {
        return Long.compareUnsigned(address + (sizeBytes - 1), address) >= 0;
    }

    /**
     * Checks an access that did not come from a file.
     *
     * @throws IllegalArgumentException if its size or its end is out of range
     */
    static void check(long address, int sizeBytes) {
        if (!isSize(sizeBytes)) {
            throw new IllegalArgumentException("size " + sizeBytes + " bytes, expected " + SIZE_EXPECTED);
        }
        if (!fits(address, sizeBytes)) {
            throw new IllegalArgumentException(
                    sizeBytes + " bytes at 0x" + Long.toHexString(address) + ", expected " + END_EXPECTED);
        }
    }

    /** The decimal size in bytes {@code start} to {@code end} of the current line. */
    static int parseSize(LineInput lines, int start, int end) throws TraceFormatException {
        byte[] bytes = lines.bytes();
        int size = 0;
        for (int i = start; i < end; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 9 || i - start >= MAX_SIZE_DIGITS) {
                throw lines.lineError(SIZE_EXPECTED);
            }
            size = size * 10 + digit;
        }
        if (!isSize(size)) {
            throw lines.lineError(SIZE_EXPECTED);
        }
        return size;
    }

    /** Value of a hexadecimal digit, or -1. */
    static int hexDigit(byte b) {
        if (b >= '0' && b <= '9') {
            return b - '0';
        }
        int lower = b | 0x20;
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }
}
