package org.userload.source;

import java.nio.ByteOrder;

/**
 * The layout of a {@code .uli} image, version 1. {@code docs/image-format.md} explains it with an example.
 *
 * <pre>
 *   +--------+--------------+-----------------------------+-------+---------+
 *   | header | region table | compressed blocks, in order | index | trailer |
 *   +--------+--------------+-----------------------------+-------+---------+
 * </pre>
 *
 * All numbers are little-endian and unsigned. The regions' pages, one region after the other, are the image; it is cut
 * into blocks of 64 KiB, the last one shorter if need be. Each block is one zstd frame, alone. A block of zero bytes is
 * absent: it has an index entry and nothing else. Blocks follow each other in the file without gaps, so that every byte
 * of the file is under one of the checksums, which are CRC-32C: a processor instruction, part of the JDK, available in
 * every language, and sure to find any damage confined to 32 adjacent bits.
 *
 * <pre>
 * Header                    0               4               8              12              16
 *                           +---------------+---------------+---------------+---------------+
 *                         0 |             magic             |    version    |   page size   |
 *                           +---------------+---------------+---------------+---------------+
 *                        16 |  block size   |  region count |          image bytes          |
 *                           +---------------+---------------+---------------+---------------+
 *                        32 |          block count          |     flags     | CRC (1)       |
 *                           +---------------+---------------+---------------+---------------+
 * Region, one for each      |         guest address         |          page count           |
 *                           +-------------------------------+-------------------------------+
 * Index entry,              |    offset (48 bits)   | zero  |  compressed   | CRC of the    |
 * one for each block        |                       | pages |  bytes        | plain block   |
 *                           +-----------------------+-------+---------------+---------------+
 * Trailer                   |         index offset          |          index bytes          |
 *                           +---------------+---------------+---------------+---------------+
 *                        16 | CRC of index  | CRC (2)       |           end magic           |
 *                           +---------------+---------------+---------------+---------------+
 *   (1) of header bytes 0 to 43 followed by the region table    (2) of trailer bytes 0 to 19
 * </pre>
 */
final class UliFormat {
    static final ByteOrder BYTE_ORDER = ByteOrder.LITTLE_ENDIAN;

    /** Bytes {@code 89 'U' 'L' 'I' 0d 0a 1a 0a}: not text, and damaged by any transfer that takes it for text. */
    static final long MAGIC = 0x0a1a0a0d_494c5589L;
    /** Bytes {@code 'U' 'L' 'I' 'E' 'N' 'D' 0d 0a}. */
    static final long END_MAGIC = 0x0a0d444e_45494c55L;

    static final int VERSION = 1;

    static final int HEADER_MAGIC_OFFSET = 0;
    static final int HEADER_VERSION_OFFSET = 8;
    static final int HEADER_PAGE_SIZE_OFFSET = 12;
    static final int HEADER_BLOCK_SIZE_OFFSET = 16;
    static final int HEADER_REGION_COUNT_OFFSET = 20;
    static final int HEADER_IMAGE_BYTES_OFFSET = 24;
    static final int HEADER_BLOCK_COUNT_OFFSET = 32;
    /** Reserved; zero in version 1. */
    static final int HEADER_FLAGS_OFFSET = 40;

    static final int HEADER_CRC_OFFSET = 44;
    static final int HEADER_BYTES = 48;

    static final int REGION_GUEST_ADDRESS_OFFSET = 0;
    static final int REGION_PAGE_COUNT_OFFSET = 8;
    static final int REGION_BYTES = 16;

    /** Low 48 bits: where the block's frame begins. High 16 bits: one bit for each page of zero bytes, first page lowest. */
    static final int INDEX_OFFSET_AND_ZERO_PAGES_OFFSET = 0;

    static final int INDEX_COMPRESSED_BYTES_OFFSET = 8;
    static final int INDEX_CRC_OFFSET = 12;
    static final int INDEX_ENTRY_BYTES = 16;
    static final int INDEX_FILE_OFFSET_BITS = 48;

    static final int TRAILER_INDEX_OFFSET_OFFSET = 0;
    static final int TRAILER_INDEX_BYTES_OFFSET = 8;
    static final int TRAILER_INDEX_CRC_OFFSET = 16;
    static final int TRAILER_CRC_OFFSET = 20;
    static final int TRAILER_END_MAGIC_OFFSET = 24;
    static final int TRAILER_BYTES = 32;

    static final int BLOCK_SHIFT = 16;
    /** Plain bytes of every block but the last: 64 KiB. */
    static final int BLOCK_BYTES = 1 << BLOCK_SHIFT;
    /** What zstd guarantees for 64 KiB that do not compress at all. */
    static final int MAX_COMPRESSED_BYTES = BLOCK_BYTES + (BLOCK_BYTES >>> 8) + 32;

    static final int MIN_PAGE_BYTES = 4096;
    static final int MAX_PAGE_BYTES = BLOCK_BYTES;
    static final int MAX_REGIONS = 4096;
    /** 8 TiB of memory. */
    static final int MAX_BLOCKS = 1 << 27;

    static final long MAX_IMAGE_BYTES = (long) MAX_BLOCKS << BLOCK_SHIFT;

    private UliFormat() {}

    /** How many blocks an image of this size has. */
    static long blockCount(long imageBytes) {
        return (imageBytes + BLOCK_BYTES - 1) >>> BLOCK_SHIFT;
    }

    /** How many plain bytes a block has. */
    static int blockBytes(long imageBytes, int block) {
        return (int) Math.min(BLOCK_BYTES, imageBytes - ((long) block << BLOCK_SHIFT));
    }
}
