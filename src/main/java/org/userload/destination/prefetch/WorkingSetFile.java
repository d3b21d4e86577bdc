package org.userload.destination.prefetch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/**
 * A working set in a file, little-endian:
 *
 * <pre>
 * +-------------+---------+----------+------------+-----------+------------+-------------+---------+--------+
 * | magic       | version | reserved | page size  | regions n | pages m    | n times:    | m times:| CRC32C |
 * | "USLDWSET"  | u16 = 1 | u16 = 0  | u32 bytes  | u32       | u64        | entry       | varint  | u32    |
 * +-------------+---------+----------+------------+-----------+------------+-------------+---------+--------+
 * 0             8         10         12           16          20           28
 *
 * entry:   u64 guest address, u64 page count
 * varint:  the page's number, counted through all regions, less the one expected, which is the page behind the one before
 *          (at first 0); zigzag, seven bits to a byte, the lowest first, the top bit set in all but the last byte
 * CRC32C:  of everything before it (Castagnoli)
 * </pre>
 *
 * <p>So a page that follows the one before takes a byte. No page is in it twice.
 */
public final class WorkingSetFile {
    private static final byte[] MAGIC = {'U', 'S', 'L', 'D', 'W', 'S', 'E', 'T'};
    private static final short VERSION = 1;
    private static final int VERSION_OFFSET = 8;
    private static final int RESERVED_OFFSET = 10;
    private static final int PAGE_SIZE_OFFSET = 12;
    private static final int REGION_COUNT_OFFSET = 16;
    private static final int PAGE_COUNT_OFFSET = 20;
    private static final int HEADER_BYTES = 28;
    private static final int ENTRY_BYTES = 2 * Long.BYTES;
    private static final int CHECKSUM_BYTES = Integer.BYTES;

    /** A page number has 32 bits, a difference one more. */
    private static final int MAX_VARINT_BYTES = 5;

    /** Most pages in a file, 256 GiB of 4 KiB pages, so that it can be held as a whole. */
    static final int MAX_PAGES = 1 << 26;

    /** Most bytes of a file. */
    private static final long MAX_BYTES = HEADER_BYTES
            + (long) RegionTable.MAX_REGIONS * ENTRY_BYTES
            + (long) MAX_PAGES * MAX_VARINT_BYTES
            + CHECKSUM_BYTES;

    private WorkingSetFile() {}

    /** The file is no working set, or a damaged one; the message names it and says what is wrong. */
    public static final class DamagedException extends IOException {
        private static final long serialVersionUID = 1;

        DamagedException(Path file, String what) {
            super(file + " is no working set that can be used: " + what);
        }
    }

    /** What a file with this working set has in it. Of more than {@value #MAX_PAGES} pages the first are taken. */
    public static byte[] encode(WorkingSet set) {
        int pages = Math.min(set.pageCount(), MAX_PAGES);
        List<RegionTable.Entry> entries = set.table().entries();
        ByteBuffer out = ByteBuffer.allocate(
                        HEADER_BYTES + entries.size() * ENTRY_BYTES + pages * MAX_VARINT_BYTES + CHECKSUM_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        out.put(MAGIC).putShort(VERSION).putShort((short) 0);
        out.putInt(set.table().pageSize().bytes()).putInt(entries.size()).putLong(pages);
        for (RegionTable.Entry entry : entries) {
            out.putLong(entry.guestAddress()).putLong(entry.pageCount());
        }
        long expected = 0;
        for (int i = 0; i < pages; i++) {
            long page = set.page(i);
            putVarint(out, zigzag(page - expected));
            expected = page + 1;
        }
        out.putInt(checksum(out.array(), out.position()));
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    private static long zigzag(long value) {
        return (value << 1) ^ (value >> (Long.SIZE - 1));
    }

    private static void putVarint(ByteBuffer out, long value) {
        long left = value;
        while (left > 0x7F) {
            out.put((byte) (left | 0x80));
            left >>>= 7;
        }
        out.put((byte) left);
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /**
     * Reads a working set.
     *
     * @throws DamagedException when it is none
     * @throws IOException when the file cannot be read
     */
    public static WorkingSet read(Path file) throws IOException {
        long size = Files.size(file);
        if (size > MAX_BYTES) {
            throw new DamagedException(file, size + " bytes are more than one can have");
        }
        return decode(file, Files.readAllBytes(file));
    }

    static WorkingSet decode(Path file, byte[] bytes) throws DamagedException {
        if (bytes.length < HEADER_BYTES + ENTRY_BYTES + CHECKSUM_BYTES) {
            throw new DamagedException(file, "it has " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < MAGIC.length; i++) {
            if (in.get(i) != MAGIC[i]) {
                throw new DamagedException(
                        file, "it does not begin with " + new String(MAGIC, StandardCharsets.US_ASCII));
            }
        }
        int version = Short.toUnsignedInt(in.getShort(VERSION_OFFSET));
        if (version != VERSION) {
            throw new DamagedException(file, "it is of version " + version + ", and this reads version " + VERSION);
        }
        int end = bytes.length - CHECKSUM_BYTES;
        if (in.getInt(end) != checksum(bytes, end)) {
            throw new DamagedException(file, "its checksum is wrong; record it again");
        }
        if (in.getShort(RESERVED_OFFSET) != 0) {
            throw new DamagedException(file, "it uses a field that this version does not know");
        }
        RegionTable table = table(file, in, end);
        in.position(HEADER_BYTES + table.entries().size() * ENTRY_BYTES).limit(end);
        return new WorkingSet(table, pages(file, in, table.totalPages()));
    }

    private static RegionTable table(Path file, ByteBuffer in, int end) throws DamagedException {
        int regions = in.getInt(REGION_COUNT_OFFSET);
        if (regions < 1 || regions > RegionTable.MAX_REGIONS || HEADER_BYTES + regions * ENTRY_BYTES > end) {
            throw new DamagedException(file, "it says that there are " + regions + " regions");
        }
        List<RegionTable.Entry> entries = new ArrayList<>();
        for (int i = 0; i < regions; i++) {
            int at = HEADER_BYTES + i * ENTRY_BYTES;
            entries.add(new RegionTable.Entry(in.getLong(at), in.getLong(at + Long.BYTES)));
        }
        try {
            return new RegionTable(new PageSize(in.getInt(PAGE_SIZE_OFFSET)), entries);
        } catch (IllegalArgumentException e) {
            throw new DamagedException(file, String.valueOf(e.getMessage()));
        }
    }

    private static int[] pages(Path file, ByteBuffer in, long total) throws DamagedException {
        long count = in.getLong(PAGE_COUNT_OFFSET);
        if (count < 0 || count > Math.min(total, MAX_PAGES) || count > in.remaining()) {
            throw new DamagedException(file, "it says that " + Long.toUnsignedString(count) + " pages are in it");
        }
        int[] pages = new int[(int) count];
        long expected = 0;
        for (int i = 0; i < pages.length; i++) {
            long page = expected + difference(file, in);
            if (page < 0 || page >= total) {
                throw new DamagedException(file, "page " + page + " is not one of the " + total + " of its guest");
            }
            pages[i] = (int) page;
            expected = page + 1;
        }
        if (in.hasRemaining()) {
            throw new DamagedException(file, in.remaining() + " bytes follow the last page");
        }
        int[] sorted = pages.clone();
        Arrays.sort(sorted);
        for (int i = 1; i < sorted.length; i++) {
            if (sorted[i] == sorted[i - 1]) {
                throw new DamagedException(file, "page " + Integer.toUnsignedLong(sorted[i]) + " is in it twice");
            }
        }
        return pages;
    }

    private static long difference(Path file, ByteBuffer in) throws DamagedException {
        long value = 0;
        for (int i = 0; i < MAX_VARINT_BYTES; i++) {
            if (!in.hasRemaining()) {
                throw new DamagedException(file, "it ends within a page");
            }
            byte next = in.get();
            value |= (long) (next & 0x7F) << (7 * i);
            if (next >= 0) {
                return (value >>> 1) ^ -(value & 1);
            }
        }
        throw new DamagedException(file, "a page number is longer than " + MAX_VARINT_BYTES + " bytes");
    }
}
