package org.userload.source;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/** The reference model: regions as byte arrays. */
final class MemoryPageSource implements PageSource {
    final List<byte[]> content;
    private final RegionTable regions;

    MemoryPageSource(PageSize pageSize, List<byte[]> content) {
        this.content = List.copyOf(content);
        List<RegionTable.Entry> entries = new ArrayList<>();
        long address = 1L << 20;
        for (byte[] region : content) {
            entries.add(new RegionTable.Entry(address, region.length / pageSize.bytes()));
            address += region.length + (1L << 30);
        }
        this.regions = new RegionTable(pageSize, entries);
    }

    /** Regions of random length whose pages come in runs: zero, compressible, random, or zero but for one byte. */
    static MemoryPageSource random(Random random, PageSize pageSize, int regionCount, int maxPages) {
        List<byte[]> content = new ArrayList<>();
        for (int i = 0; i < regionCount; i++) {
            content.add(randomRegion(random, pageSize.bytes(), 1 + random.nextInt(maxPages)));
        }
        return new MemoryPageSource(pageSize, content);
    }

    static byte[] randomRegion(Random random, int pageBytes, int pages) {
        byte[] bytes = new byte[pages * pageBytes];
        byte[] page = new byte[pageBytes];
        for (int at = 0; at < pages; ) {
            int kind = random.nextInt(4);
            int end = Math.min(pages, at + 1 + random.nextInt(random.nextBoolean() ? 4 : 40));
            for (; at < end; at++) {
                int offset = at * pageBytes;
                if (kind == 1) {
                    Arrays.fill(bytes, offset, offset + pageBytes, (byte) (1 + at % 100));
                } else if (kind == 2) {
                    random.nextBytes(page);
                    System.arraycopy(page, 0, bytes, offset, pageBytes);
                } else if (kind == 3) {
                    bytes[offset + random.nextInt(pageBytes)] = 1;
                }
            }
        }
        return bytes;
    }

    @Override
    public RegionTable regions() {
        return regions;
    }

    @Override
    public PageRun describe(int region, long firstPage, int maxPages) {
        int pageBytes = regions.pageSize().bytes();
        int offset = (int) firstPage * pageBytes;
        return isZero(content.get(region), offset, pageBytes) ? PageRun.zero(1) : PageRun.data(1);
    }

    static boolean isZero(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void read(int region, long firstPage, int count, ByteBuffer dst) {
        int pageBytes = regions.pageSize().bytes();
        dst.put(content.get(region), (int) firstPage * pageBytes, count * pageBytes);
    }

    @Override
    public String description() {
        return "reference model";
    }

    @Override
    public void close() {}
}
