package org.userload.linux;

/**
 * Offsets of the structures of {@code userload_shim.h}, and the shape of the histogram of {@code latency.h} (64-bit).
 *
 * <pre>
 *  struct userload_shim_range (24 bytes)
 *   0       8       16       20         24
 *   +-------+-------+--------+----------+
 *   | start | bytes | region | reserved |
 *   +-------+-------+--------+----------+
 *
 *  struct userload_shim_options (64 bytes)
 *   0         8         16       24      32            40           48     52            56      60           64
 *   +---------+---------+--------+-------+-------------+------------+------+-------------+-------+------------+
 *   | address | session | ranges | error | error bytes | timeout ns | uffd | range count | slots | page bytes |
 *   +---------+---------+--------+-------+-------------+------------+------+-------------+-------+------------+
 * </pre>
 */
final class SignalLayout {
    static final int RANGE_START = 0;
    static final int RANGE_BYTES = 8;
    static final int RANGE_REGION = 16;
    static final int RANGE_SIZE = 24;

    static final int OPTIONS_ADDRESS = 0;
    static final int OPTIONS_SESSION = 8;
    static final int OPTIONS_RANGES = 16;
    static final int OPTIONS_ERROR = 24;
    static final int OPTIONS_ERROR_BYTES = 32;
    static final int OPTIONS_TIMEOUT_NANOS = 40;
    static final int OPTIONS_UFFD = 48;
    static final int OPTIONS_RANGE_COUNT = 52;
    static final int OPTIONS_SLOTS = 56;
    static final int OPTIONS_PAGE_BYTES = 60;
    static final int OPTIONS_SIZE = 64;

    /** The session has ended and its memory is ordinary memory. */
    static final int TRY_AGAIN = 1;

    static final int COUNTS = 7;

    static final int REGION_SHIFT = 48;

    /** Buckets for each power of two, as a power of two. */
    private static final int SUB_BITS = 6;

    private static final int TOP_BIT = 42;
    static final int BUCKETS = (TOP_BIT - SUB_BITS + 1) << SUB_BITS;

    private SignalLayout() {}

    /** The middle of a bucket, nanoseconds. */
    static long nanosOf(int bucket) {
        if (bucket < 2 << SUB_BITS) {
            return bucket;
        }
        int shift = (bucket >>> SUB_BITS) - 1;
        long mantissa = (bucket & (1 << SUB_BITS) - 1) | 1 << SUB_BITS;
        return (mantissa << shift) + (1L << (shift - 1));
    }
}
