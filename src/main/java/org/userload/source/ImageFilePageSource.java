package org.userload.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/**
 * A raw memory image: a file that holds one region, from guest address 0, and nothing else.
 *
 * <p>The file's size must be a multiple of the page size. A last page that is only partly there is refused rather than
 * padded, because it nearly always means that the copy which made the file was cut short.
 *
 * <p><b>Zero pages.</b> Pages wholly in holes that the {@link ExtentScanner} reported are known without reading. All
 * other pages are told by content: {@link #describe} reads a window of pages and compares. The window stays with the
 * calling thread, so the {@link #read} that follows is a copy from memory and the file is read once.
 *
 * <p><b>Positional reads, not a mapping.</b> When a file shrinks, touching its mapping raises SIGBUS; while the disk is
 * slow, it stalls a Java thread where no safepoint can be reached. A positional read gives an error in the first case
 * and waits in native code in the second, and costs about one more copy within the cache.
 *
 * <p><b>Threads.</b> Thread-safe. Each calling thread has a window of its own ({@value #WINDOW_BYTES} bytes, outside
 * the heap, or one page if that is larger) until it ends or the source is no longer referenced.
 */
public final class ImageFilePageSource implements PageSource {
    private static final int WINDOW_BYTES = 256 << 10;
    private static final int ONLY_REGION = 0;

    private final ImageFile file;
    private final RegionTable regions;
    private final HoleMap holes;
    private final int pageShift;
    private final ThreadLocal<Window> windows;
    private volatile boolean closed;

    private ImageFilePageSource(ImageFile file, RegionTable regions, HoleMap holes) {
        this.file = file;
        this.regions = regions;
        this.holes = holes;
        this.pageShift = regions.pageSize().shift();
        int windowPages = Math.max(1, WINDOW_BYTES >>> pageShift);
        this.windows = ThreadLocal.withInitial(() -> new Window(windowPages << pageShift));
    }

    /**
     * Opens a raw image.
     *
     * @param path a regular file that does not change while it is open
     * @param pageSize size of its pages
     * @param extents tells where the file has holes
     * @throws PageSourceException if the file is missing, unreadable, empty, not a regular file, or not a whole number
     *     of pages
     */
    public static ImageFilePageSource open(Path path, PageSize pageSize, ExtentScanner extents) {
        ImageFile file = ImageFile.open(path);
        try {
            long sizeBytes = file.sizeBytes();
            requireWholePages(file, pageSize);
            long pageCount = sizeBytes >>> pageSize.shift();
            RegionTable regions = new RegionTable(pageSize, List.of(new RegionTable.Entry(0, pageCount)));
            HoleMap holes = HoleMap.of(extents.dataExtents(path, sizeBytes), sizeBytes, pageSize.shift());
            return new ImageFilePageSource(file, regions, holes);
        } catch (IOException e) {
            file.close();
            throw new PageSourceException(file.description() + ": cannot find its holes: " + ImageFile.reason(e), e);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static void requireWholePages(ImageFile file, PageSize pageSize) {
        long extra = file.sizeBytes() & (pageSize.bytes() - 1);
        if (extra != 0) {
            long padded = file.sizeBytes() - extra + pageSize.bytes();
            throw new PageSourceException(file.description() + ": its size, " + file.sizeBytes()
                    + " bytes, is not a multiple of the page size, " + pageSize.bytes()
                    + ": it is cut short or not a raw memory image; copy it again, or pad it with zeros if it is whole:"
                    + " truncate -s " + padded);
        }
    }

    @Override
    public RegionTable regions() {
        return regions;
    }

    @Override
    public PageRun describe(int region, long firstPage, int maxPages) {
        int most = PageBounds.checkRun(description(), regions, region, firstPage, maxPages);
        requireOpen(firstPage);
        int within = (int) Math.min(most, holes.runEnd(firstPage) - firstPage);
        if (holes.isHole(firstPage)) {
            return PageRun.zero(within);
        }
        Window window = windows.get();
        if (!window.holds(firstPage, 1)) {
            fill(window, firstPage, Math.min(within, window.capacityPages()));
        }
        return window.runAt(firstPage, within);
    }

    @Override
    public void read(int region, long firstPage, int count, ByteBuffer dst) {
        PageBounds.checkRead(description(), regions, region, firstPage, count, dst);
        requireOpen(firstPage);
        Window window = windows.get();
        if (window.holds(firstPage, count)) {
            window.copyTo(dst, firstPage, count);
            return;
        }
        int limit = dst.limit();
        dst.limit(dst.position() + (count << pageShift));
        try {
            file.read(dst, firstPage << pageShift);
        } catch (IOException e) {
            throw failed(firstPage, e);
        } finally {
            dst.limit(limit);
        }
    }

    private void fill(Window window, long firstPage, int count) {
        ByteBuffer bytes = window.beginFill(count);
        try {
            file.read(bytes, firstPage << pageShift);
        } catch (IOException e) {
            throw failed(firstPage, e);
        }
        window.endFill(firstPage, count);
    }

    private void requireOpen(long page) {
        if (closed) {
            throw PageSourceException.reading(description(), ONLY_REGION, page, "it is closed", null);
        }
    }

    private PageSourceException failed(long page, IOException e) {
        return PageSourceException.reading(description(), ONLY_REGION, page, ImageFile.reason(e), e);
    }

    @Override
    public String description() {
        return file.description();
    }

    @Override
    public void close() {
        closed = true;
        file.close();
    }

    /** Pages that a thread has read to look at and is likely to ask for next. Used by one thread. */
    private final class Window {
        private final ByteBuffer bytes;
        private long firstPage;
        private int pageCount;

        Window(int capacityBytes) {
            this.bytes = ByteBuffer.allocateDirect(capacityBytes);
        }

        int capacityPages() {
            return bytes.capacity() >>> pageShift;
        }

        boolean holds(long first, int count) {
            return first >= firstPage && first - firstPage + count <= pageCount;
        }

        ByteBuffer beginFill(int count) {
            pageCount = 0;
            return bytes.limit(count << pageShift).position(0);
        }

        void endFill(long first, int count) {
            firstPage = first;
            pageCount = count;
        }

        PageRun runAt(long first, int maxPages) {
            int begin = (int) (first - firstPage);
            int end = (int) Math.min(pageCount, (long) begin + maxPages);
            boolean zero = isZero(begin);
            int at = begin + 1;
            while (at < end && isZero(at) == zero) {
                at++;
            }
            return zero ? PageRun.zero(at - begin) : PageRun.data(at - begin);
        }

        private boolean isZero(int page) {
            return ZeroBytes.isZero(bytes, page << pageShift, 1 << pageShift);
        }

        void copyTo(ByteBuffer dst, long first, int count) {
            int begin = (int) (first - firstPage) << pageShift;
            int length = count << pageShift;
            dst.put(dst.position(), bytes, begin, length);
            dst.position(dst.position() + length);
        }
    }
}
