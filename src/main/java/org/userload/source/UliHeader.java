package org.userload.source;

import static org.userload.source.UliFormat.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/**
 * The header and region table of a {@code .uli} image. Immutable.
 *
 * @param regions the image's regions
 * @param imageBytes their length together, 1 to {@link UliFormat#MAX_IMAGE_BYTES} bytes
 */
record UliHeader(RegionTable regions, long imageBytes) {

    /** A header for these regions. */
    static UliHeader of(RegionTable regions) {
        long pages = 0;
        for (RegionTable.Entry entry : regions.entries()) {
            pages = Math.addExact(pages, entry.pageCount());
        }
        return new UliHeader(
                regions, Math.multiplyExact(pages, (long) regions.pageSize().bytes()));
    }

    /** How many blocks the image has, 1 to {@link UliFormat#MAX_BLOCKS}. */
    int blockCount() {
        return (int) UliFormat.blockCount(imageBytes);
    }

    /** Length of header and region table in bytes, which is where the first block begins. */
    int encodedBytes() {
        return encodedBytes(regions.entries().size());
    }

    static int encodedBytes(int regionCount) {
        return HEADER_BYTES + regionCount * REGION_BYTES;
    }

    /** Header and region table as they are in the file, ready to be written. */
    ByteBuffer encode() {
        List<RegionTable.Entry> entries = regions.entries();
        ByteBuffer bytes = ByteBuffer.allocate(encodedBytes()).order(BYTE_ORDER);
        bytes.putLong(HEADER_MAGIC_OFFSET, MAGIC);
        bytes.putInt(HEADER_VERSION_OFFSET, VERSION);
        bytes.putInt(HEADER_PAGE_SIZE_OFFSET, regions.pageSize().bytes());
        bytes.putInt(HEADER_BLOCK_SIZE_OFFSET, BLOCK_BYTES);
        bytes.putInt(HEADER_REGION_COUNT_OFFSET, entries.size());
        bytes.putLong(HEADER_IMAGE_BYTES_OFFSET, imageBytes);
        bytes.putLong(HEADER_BLOCK_COUNT_OFFSET, blockCount());
        for (int i = 0; i < entries.size(); i++) {
            int at = encodedBytes(i);
            bytes.putLong(at + REGION_GUEST_ADDRESS_OFFSET, entries.get(i).guestAddress());
            bytes.putLong(at + REGION_PAGE_COUNT_OFFSET, entries.get(i).pageCount());
        }
        bytes.putInt(HEADER_CRC_OFFSET, crc(bytes));
        return bytes;
    }

    /**
     * Reads and checks header and region table.
     *
     * @throws PageSourceException if they are damaged, of another version, or make no sense
     * @throws IOException if the file cannot be read
     */
    static UliHeader read(ImageFile file) throws IOException {
        if (file.sizeBytes() < HEADER_BYTES + REGION_BYTES + INDEX_ENTRY_BYTES + TRAILER_BYTES) {
            throw damaged(file, "it has only " + file.sizeBytes() + " bytes, it is cut short");
        }
        ByteBuffer fixed = readBytes(file, HEADER_BYTES);
        if (fixed.getLong(HEADER_MAGIC_OFFSET) != MAGIC) {
            throw damaged(file, "it does not begin as a .uli image does");
        }
        int version = fixed.getInt(HEADER_VERSION_OFFSET);
        if (version != VERSION) {
            throw new PageSourceException(file.description() + ": .uli version " + Integer.toUnsignedString(version)
                    + ", this program reads version " + VERSION + "; write the image again with this program, or read"
                    + " it with the one that wrote it");
        }
        int regionCount = fixed.getInt(HEADER_REGION_COUNT_OFFSET);
        if (regionCount < 1 || regionCount > MAX_REGIONS || encodedBytes(regionCount) > file.sizeBytes()) {
            throw damaged(file, "it claims to have " + Integer.toUnsignedString(regionCount) + " regions");
        }
        ByteBuffer bytes = readBytes(file, encodedBytes(regionCount));
        if (crc(bytes) != bytes.getInt(HEADER_CRC_OFFSET)) {
            throw damaged(file, "the checksum of its header does not match");
        }
        return decode(file, bytes, regionCount);
    }

    private static UliHeader decode(ImageFile file, ByteBuffer bytes, int regionCount) {
        int pageBytes = bytes.getInt(HEADER_PAGE_SIZE_OFFSET);
        if (pageBytes < MIN_PAGE_BYTES || pageBytes > MAX_PAGE_BYTES || Integer.bitCount(pageBytes) != 1) {
            throw damaged(file, "its page size is " + Integer.toUnsignedString(pageBytes) + " bytes");
        }
        if (bytes.getInt(HEADER_BLOCK_SIZE_OFFSET) != BLOCK_BYTES || bytes.getInt(HEADER_FLAGS_OFFSET) != 0) {
            throw damaged(file, "it has a block size or flags that version " + VERSION + " does not have");
        }
        List<RegionTable.Entry> entries = new ArrayList<>(regionCount);
        long imageBytes = 0;
        for (int i = 0; i < regionCount; i++) {
            RegionTable.Entry entry = decodeRegion(file, bytes, i, pageBytes);
            entries.add(entry);
            imageBytes += entry.pageCount() * pageBytes;
        }
        if (imageBytes > MAX_IMAGE_BYTES
                || imageBytes != bytes.getLong(HEADER_IMAGE_BYTES_OFFSET)
                || UliFormat.blockCount(imageBytes) != bytes.getLong(HEADER_BLOCK_COUNT_OFFSET)) {
            throw damaged(file, "its size and block count do not follow from its regions");
        }
        requireApart(file, entries, pageBytes);
        try {
            return new UliHeader(new RegionTable(new PageSize(pageBytes), entries), imageBytes);
        } catch (IllegalArgumentException e) {
            throw damaged(file, "its regions make no sense: " + e.getMessage());
        }
    }

    private static RegionTable.Entry decodeRegion(ImageFile file, ByteBuffer bytes, int region, int pageBytes) {
        int at = encodedBytes(region);
        long address = bytes.getLong(at + REGION_GUEST_ADDRESS_OFFSET);
        long pageCount = bytes.getLong(at + REGION_PAGE_COUNT_OFFSET);
        boolean sane = pageCount >= 1
                && pageCount <= MAX_IMAGE_BYTES / pageBytes
                && address >= 0
                && address % pageBytes == 0
                && address <= Long.MAX_VALUE - pageCount * pageBytes;
        if (!sane) {
            throw damaged(
                    file,
                    "its region " + region + " claims to be " + Long.toUnsignedString(pageCount) + " pages at 0x"
                            + Long.toHexString(address));
        }
        return new RegionTable.Entry(address, pageCount);
    }

    private static void requireApart(ImageFile file, List<RegionTable.Entry> entries, int pageBytes) {
        long[] order = entries.stream()
                .mapToLong(RegionTable.Entry::guestAddress)
                .sorted()
                .toArray();
        for (RegionTable.Entry entry : entries) {
            int next = Arrays.binarySearch(order, entry.guestAddress()) + 1;
            long end = entry.guestAddress() + entry.pageCount() * pageBytes;
            boolean twice = next > 1 && order[next - 2] == entry.guestAddress();
            if (twice || (next < order.length && order[next] < end)) {
                throw damaged(file, "its regions overlap at 0x" + Long.toHexString(entry.guestAddress()));
            }
        }
    }

    private static ByteBuffer readBytes(ImageFile file, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(BYTE_ORDER);
        file.read(bytes, 0);
        return bytes.flip();
    }

    private static int crc(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        int length = bytes.capacity();
        Checksums.update(crc, bytes, 0, HEADER_CRC_OFFSET);
        Checksums.update(crc, bytes, HEADER_BYTES, length - HEADER_BYTES);
        return (int) crc.getValue();
    }

    /** The error for a file whose own description of itself is wrong. */
    static PageSourceException damaged(ImageFile file, String what) {
        return new PageSourceException(
                file.description() + ": damaged .uli image: " + what + "; restore it from a good copy");
    }
}
