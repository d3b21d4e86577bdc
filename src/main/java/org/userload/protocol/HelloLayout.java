package org.userload.protocol;

/**
 * The body of a {@link FrameType#HELLO} frame. The frame header comes first, so that a peer of any other protocol is
 * told by its first 24 bytes.
 *
 * <pre>
 *   0          8         10     11         12          16           24            40            44
 *   +----------+---------+------+----------+-----------+------------+-------------+-------------+---------
 *   | magic    | version | role | reserved | page size | features   | session id  | regions n   | n times:
 *   | USERLOAD | u16     | u8   | u8       | u32 bytes | u64 bits   | 2 x u64     | u32         | entry
 *   +----------+---------+------+----------+-----------+------------+-------------+-------------+---------
 *
 *   entry:  u64 guest address, u64 page count
 * </pre>
 *
 * The destination sends its hello first, with no regions; the source answers with the same role, the session id and the
 * region table. Features are the intersection of both sides; none is defined in version 1.
 */
final class HelloLayout {
    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 8;
    static final int ROLE_OFFSET = 10;
    static final int PAGE_SIZE_OFFSET = 12;
    static final int FEATURES_OFFSET = 16;
    static final int SESSION_HIGH_OFFSET = 24;
    static final int SESSION_LOW_OFFSET = 32;
    static final int REGION_COUNT_OFFSET = 40;
    static final int FIXED_BYTES = 44;

    static final int ENTRY_ADDRESS_OFFSET = 0;
    static final int ENTRY_PAGES_OFFSET = 8;
    static final int ENTRY_BYTES = 16;

    /** "USERLOAD" in ASCII. */
    static final long MAGIC = 0x555345524C4F4144L;

    private HelloLayout() {}
}
