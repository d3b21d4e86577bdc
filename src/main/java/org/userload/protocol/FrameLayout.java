package org.userload.protocol;

/**
 * The bytes of a frame: a header of 24 bytes and a body. Numbers are unsigned, in network byte order.
 *
 * <pre>
 *   0      1       2        4              8                      16         20       24
 *   +------+-------+--------+--------------+----------------------+----------+--------+--------
 *   | type | flags | region | body length  | first page           | count    | id     | body ...
 *   | u8   | u8, 0 | u16    | u32 bytes    | u64, page of region  | u32      | u32    |
 *   +------+-------+--------+--------------+----------------------+----------+--------+--------
 * </pre>
 *
 * Fields that a type does not use are zero.
 */
public final class FrameLayout {
    public static final int TYPE_OFFSET = 0;
    public static final int FLAGS_OFFSET = 1;
    public static final int REGION_OFFSET = 2;
    public static final int BODY_LENGTH_OFFSET = 4;
    public static final int FIRST_PAGE_OFFSET = 8;
    public static final int COUNT_OFFSET = 16;
    public static final int ID_OFFSET = 20;

    /** Bytes of a header. */
    public static final int HEADER_BYTES = 24;

    /** Most pages in one PAGES, PACKED or DELTA frame: 2 MiB of 4 KiB pages. */
    public static final int MAX_PAGES_PER_FRAME = 512;

    /** Most pages that one {@link FrameType#REQUEST} may ask for. */
    public static final int MAX_PAGES_PER_REQUEST = 64;

    /** Most pages in one {@link FrameType#ZERO} run. */
    public static final int MAX_ZERO_RUN_PAGES = 1 << 20;

    /** Most bytes of a body, unless it is that of {@link FrameType#PAGES}. */
    public static final int MAX_CONTROL_BODY_BYTES = 1 << 20;

    private FrameLayout() {}
}
