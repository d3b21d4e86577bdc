package org.userload.source;

import static org.userload.source.UliFormat.*;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import org.userload.memory.RegionTable;

/**
 * A {@code .uli} image: compressed blocks behind a cache of decompressed ones.
 *
 * <p>Opening reads header, index and trailer and checks every number in them; blocks are verified each time they are
 * decompressed. Which pages are zero is in the index, so {@link #describe} neither reads nor decompresses. Pages of
 * zero bytes never take room in the cache unless they share a block with data.
 *
 * <p><b>Threads.</b> Thread-safe. A thread that reads a cached block waits for nobody; threads that need the same
 * missing block wait for the one that decompresses it.
 *
 * <p><b>Errors.</b> {@link CorruptBlockException} for a damaged block; other blocks stay readable.
 */
public final class UliPageSource implements PageSource {
    private final ImageFile file;
    private final UliHeader header;
    private final UliIndex index;
    private final RegionLayout layout;
    private final UliBlockReader blocks;
    private final BlockCache cache;
    private final int pageShift;
    private volatile boolean closed;

    private UliPageSource(ImageFile file, UliHeader header, UliIndex index, long cacheBytes) {
        this.file = file;
        this.header = header;
        this.index = index;
        this.layout = new RegionLayout(header.regions());
        this.blocks = new UliBlockReader(file, header, index, layout);
        this.cache = new BlockCache(cacheBytes, blocks::read);
        this.pageShift = header.regions().pageSize().shift();
    }

    /**
     * Opens an image.
     *
     * @param path a {@code .uli} file that does not change while it is open
     * @param cacheBytes how much heap decompressed blocks may take; 0 or more, useful from a few blocks (of 64 KiB) on
     * @throws PageSourceException if the file is missing, unreadable, not a {@code .uli} image, of another version, cut
     *     short, or damaged in its header, index or trailer
     * @throws IllegalArgumentException if {@code cacheBytes} is negative
     */
    public static UliPageSource open(Path path, long cacheBytes) {
        if (cacheBytes < 0) {
            throw new IllegalArgumentException("cacheBytes must not be negative: " + cacheBytes);
        }
        ImageFile file = ImageFile.open(path);
        try {
            UliHeader header = UliHeader.read(file);
            return new UliPageSource(file, header, UliIndex.read(file, header), cacheBytes);
        } catch (IOException e) {
            file.close();
            throw new PageSourceException(file.description() + ": cannot be read: " + ImageFile.reason(e), e);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public RegionTable regions() {
        return header.regions();
    }

    @Override
    public PageRun describe(int region, long firstPage, int maxPages) {
        int most = PageBounds.checkRun(description(), regions(), region, firstPage, maxPages);
        requireOpen(region, firstPage);
        long first = layout.imagePage(region, firstPage);
        long end = first + most;
        boolean zero = isZero(first);
        long at = first + 1;
        while (at < end && isZero(at) == zero) {
            // Absent blocks are passed in one step each.
            at = index.isAbsent(blockOf(at)) ? firstPageOf(blockOf(at) + 1L) : at + 1;
        }
        int pages = (int) (Math.min(at, end) - first);
        return zero ? PageRun.zero(pages) : PageRun.data(pages);
    }

    private int blockOf(long imagePage) {
        return (int) (imagePage >>> (BLOCK_SHIFT - pageShift));
    }

    private long firstPageOf(long block) {
        return block << (BLOCK_SHIFT - pageShift);
    }

    private boolean isZero(long imagePage) {
        int block = blockOf(imagePage);
        int pageInBlock = (int) (imagePage - firstPageOf(block));
        return index.isAbsent(block) || (index.zeroPages(block) >>> pageInBlock & 1) != 0;
    }

    @Override
    public void read(int region, long firstPage, int count, ByteBuffer dst) {
        PageBounds.checkRead(description(), regions(), region, firstPage, count, dst);
        requireOpen(region, firstPage);
        int start = dst.position();
        long at = layout.imagePage(region, firstPage) << pageShift;
        long end = at + ((long) count << pageShift);
        try {
            while (at < end) {
                at += copy(at, end, dst);
            }
        } catch (UncheckedIOException e) {
            dst.position(start);
            long page = firstPage + ((at >>> pageShift) - layout.imagePage(region, firstPage));
            IOException cause = Objects.requireNonNull(e.getCause());
            throw PageSourceException.reading(description(), region, page, ImageFile.reason(cause), cause);
        } catch (RuntimeException e) {
            dst.position(start);
            throw e;
        }
    }

    /** Copies what one block has of the bytes from {@code at} to {@code end}; returns how many. */
    private int copy(long at, long end, ByteBuffer dst) {
        int block = (int) (at >>> BLOCK_SHIFT);
        int offset = (int) at & (BLOCK_BYTES - 1);
        int length = (int) Math.min(BLOCK_BYTES - offset, end - at);
        if (index.isAbsent(block)) {
            ZeroBytes.put(dst, length);
        } else {
            dst.put(cache.get(block), offset, length);
        }
        return length;
    }

    private void requireOpen(int region, long page) {
        if (closed) {
            throw PageSourceException.reading(description(), region, page, "it is closed", null);
        }
    }

    /** What the cache of decompressed blocks has done so far. */
    public BlockCacheStatistics cacheStatistics() {
        return cache.statistics();
    }

    @Override
    public String description() {
        return file.description();
    }

    @Override
    public void close() {
        closed = true;
        blocks.close();
        cache.clear();
        file.close();
    }
}
