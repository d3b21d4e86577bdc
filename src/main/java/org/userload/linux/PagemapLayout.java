package org.userload.linux;

/**
 * Numbers and structure offsets of the {@code PAGEMAP_SCAN} ioctl in {@code linux/fs.h} (64-bit). Every field is 8 bytes
 * in the host's byte order.
 *
 * <pre>
 *  struct pm_scan_arg (96 bytes)
 *   0      8       16      24    32         40    48        56          64         72     80        88       96
 *   +------+-------+-------+-----+----------+-----+---------+-----------+----------+------+---------+--------+
 *   | size | flags | start | end | walk_end | vec | vec_len | max_pages | inverted | mask | any of  | return |
 *   +------+-------+-------+-----+----------+-----+---------+-----------+----------+------+---------+--------+
 *
 *  struct page_region (24 bytes)
 *   0       8     16           24
 *   +-------+-----+------------+
 *   | start | end | categories |
 *   +-------+-----+------------+
 * </pre>
 */
final class PagemapLayout {
    /** {@code _IOWR('f', 16, struct pm_scan_arg)}. */
    static final long PAGEMAP_SCAN = 3L << 30 | 96 << 16 | 'f' << 8 | 16;

    static final int ARG_BYTES = 96;
    static final int ARG_SIZE = 0;
    static final int ARG_FLAGS = 8;
    static final int ARG_START = 16;
    static final int ARG_END = 24;
    static final int ARG_WALK_END = 32;
    static final int ARG_VEC = 40;
    static final int ARG_VEC_LEN = 48;
    static final int ARG_CATEGORY_INVERTED = 64;
    static final int ARG_CATEGORY_MASK = 72;
    static final int ARG_CATEGORY_ANY_OF = 80;
    static final int ARG_RETURN_MASK = 88;

    static final int REGION_BYTES = 24;
    static final int REGION_START = 0;
    static final int REGION_END = 8;
    static final int REGION_CATEGORIES = 16;

    /** An entry of the file itself: flags above, below them a frame, or the type and offset of what stands for a page. */
    static final int ENTRY_BYTES = 8;

    static final long ENTRY_PRESENT = 1L << 63;
    static final long ENTRY_SWAPPED = 1L << 62;

    /** Zero for who has no CAP_SYS_ADMIN. */
    static final long ENTRY_FRAME = (1L << 55) - 1;

    static final long ENTRY_KIND = ENTRY_PRESENT | ENTRY_SWAPPED | ENTRY_FRAME;

    /** What no entry is. */
    static final long NO_ENTRY = 0;

    /** Protects what is reported, in the same walk and under the same page table lock. */
    static final long PM_SCAN_WP_MATCHING = 1;

    /** Fails with EPERM when a part of the range has no asynchronous write protection. */
    static final long PM_SCAN_CHECK_WPASYNC = 2;

    static final long PAGE_IS_WRITTEN = 1 << 1;

    static final long PAGE_IS_PRESENT = 1 << 3;

    /** There is an entry for it, but no page: swapped out, about to move, or a marker such as that of write protection. */
    static final long PAGE_IS_SWAPPED = 1 << 4;

    /** The page that is mapped is the kernel's zero page. */
    static final long PAGE_IS_PFNZERO = 1 << 5;

    /** It is part of a huge page that is mapped as one. */
    static final long PAGE_IS_HUGE = 1 << 6;

    private PagemapLayout() {}
}
