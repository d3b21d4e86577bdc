package org.userload.trace;

/**
 * Layout of the compact binary trace format, {@code .ult}. All integers are little-endian.
 *
 * <pre>
 *  header                                     records                     trailer
 * +--------------------+----------+----------+---------+-----+---------+------+-------------------+----------+
 * | magic "userload"   | version  | reserved | access  | ... | access  | 0x00 | access count      | CRC32C   |
 * | 8 bytes            | u32 = 1  | u32 = 0  | 1..13 B |     | 1..13 B | u8   | u64               | u32      |
 * +--------------------+----------+----------+---------+-----+---------+------+-------------------+----------+
 * 0                    8          12         16
 *
 *  one access: tag byte              if size code 0   if N = 1
 * +---+-----------+------+           +-------------+--------------+
 * | N | size code | op   |           | size varint | delta varint |
 * +---+-----------+------+           +-------------+--------------+
 *   7   6 .. 2      1..0                             zig-zag
 * </pre>
 *
 * <p><b>op</b> is the code of {@link Operation}. <b>Size code</b> 1 to 30 is a size of as many bytes, 31 is 32 bytes,
 * and 0 says that the size follows as a varint. <b>N</b> says that a delta follows; without it the delta is 0.
 *
 * <p><b>Delta</b> is the address minus the predicted address, modulo 2^64, zig-zag coded. The prediction is the end
 * (address + size) of the last access of the same stream, 0 at first; fetches are one stream, all other accesses the
 * other. Straight-line code and sequential data thus take one byte an access.
 *
 * <p>A <b>varint</b> has 7 bits a byte, the lowest first, and bit 7 set in all but the last byte; at most 10 bytes.
 * <b>Zig-zag</b> maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
 *
 * <p>The tag 0x00 would be a read whose size follows but whose delta is 0 and is reserved as <b>end mark</b>: such an
 * access is written with N = 1 and an explicit delta of 0. The <b>checksum</b> covers every byte before it, from the
 * magic on.
 */
final class UltLayout {
    /** The bytes "userload" read as a little-endian number. */
    static final long MAGIC = 0x64616f6c72657375L;

    static final int VERSION = 1;

    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 8;
    static final int RESERVED_OFFSET = 12;
    static final int HEADER_BYTES = 16;

    static final int TAG_OPERATION_MASK = 0b11;
    static final int TAG_SIZE_SHIFT = 2;
    static final int TAG_SIZE_MASK = 0b11111;
    static final int TAG_DELTA = 0x80;
    static final int TAG_END = 0;

    static final int SIZE_CODE_EXPLICIT = 0;
    static final int SIZE_CODE_MAX_LITERAL = 30;
    static final int SIZE_CODE_32 = 31;

    static final int MAX_VARINT_BYTES = 10;

    /** Tag, size and delta at their longest; sizes that are in range take two bytes, so that no valid access passes 13. */
    static final int MAX_ACCESS_BYTES = 1 + 2 * MAX_VARINT_BYTES;

    /** The trailer after its end mark: count, then checksum. */
    static final int COUNT_BYTES = 8;

    static final int CHECKSUM_BYTES = 4;

    private UltLayout() {}

    static long zigZag(long delta) {
        return (delta << 1) ^ (delta >> 63);
    }

    static long unZigZag(long coded) {
        return (coded >>> 1) ^ -(coded & 1);
    }

    static int sizeCode(int sizeBytes) {
        if (sizeBytes <= SIZE_CODE_MAX_LITERAL) {
            return sizeBytes;
        }
        return sizeBytes == 32 ? SIZE_CODE_32 : SIZE_CODE_EXPLICIT;
    }
}
