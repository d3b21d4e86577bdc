package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Tells pages that were never written from those that can hold something, without touching them: {@code PAGEMAP_SCAN} of
 * {@code /proc/self/pagemap} (Linux 6.7), reading only.
 *
 * <p><b>Only for private anonymous memory</b>, as {@link Mapping} is. There a page without a page table entry reads as
 * zeros, and so does one that is mapped to the kernel's zero page. Any other entry may stand for content: a page, a page in
 * swap, one that is about to move. Of shared or file-backed memory a missing entry says nothing, since its content is in
 * the page cache.
 *
 * <p><b>Markers.</b> Where writes are tracked by a userfaultfd, an untouched page has an entry: the marker of write
 * protection. The scan calls it swapped. Such entries are looked at in the pagemap itself, which shows what kind of entry it
 * is to who has CAP_SYS_ADMIN; what a marker looks like is found out by making one. For others a page with a marker is one
 * that can hold something.
 *
 * <p><b>Moment.</b> The kernel looks at each entry under its page table's lock. That a page was zero is true of a moment
 * during the call that said so, exactly as if the page had been read then; the answer is never kept. That pages
 * can hold something is kept, for each thread, since it only makes the caller read them.
 *
 * <p><b>Threads.</b> Any. {@link #close} is idempotent and may race with {@link #lead}, which then knows nothing.
 */
public final class PopulatedPages implements AutoCloseable {
    /** How far a scan looks for the end of a populated run: a step for each huge page, some 20 us for small ones. */
    private static final long WINDOW_BYTES = 16 << 20;

    private static final int MOST_ENTRIES = 4096;

    private final int fd;

    /** The entry of a page that was protected before it was touched, or {@link PagemapLayout#NO_ENTRY}. */
    private final long marker;

    private final int hostPageShift = Integer.numberOfTrailingZeros(Mapping.hostPageSize());

    /** Scans that are under way, and one until {@link #close}. Who takes it to 0 closes the descriptor. */
    private final AtomicInteger users = new AtomicInteger(1);

    private final AtomicBoolean closed = new AtomicBoolean();
    private final ThreadLocal<Scan> scans = ThreadLocal.withInitial(Scan::new);

    private PopulatedPages(int fd, long marker) {
        this.fd = fd;
        this.marker = marker;
    }

    /**
     * Opens this process's pagemap.
     *
     * @throws NativeException when {@code /proc/self/pagemap} cannot be opened
     * @throws NativeException.NotSupportedException when the kernel does not know the ioctl
     */
    public static PopulatedPages open() {
        int fd = (int) NativeFailure.check(
                "open(/proc/self/pagemap)", LibC.C.open("/proc/self/pagemap", UffdLayout.O_CLOEXEC), 0, 0);
        try {
            NativeFailure.check("PAGEMAP_SCAN", new Scan().run(fd, 0, 0), 0, 0);
            return new PopulatedPages(fd, markerEntry(fd));
        } catch (RuntimeException e) {
            LibC.C.close(fd);
            throw e;
        }
    }

    private static long markerEntry(int fd) {
        int bytes = Mapping.hostPageSize();
        try (Mapping page = Mapping.anonymous(bytes);
                Userfaultfd uffd = Userfaultfd.builder()
                        .require(UffdFeature.WP_ASYNC)
                        .require(UffdFeature.WP_UNPOPULATED)
                        .allowUserModeOnly()
                        .open()) {
            uffd.registerForWrites(page.address(), bytes);
            uffd.writeProtect(page.address(), bytes);
            Scan scan = new Scan();
            long entry = scan.readEntries(fd, page.address() / bytes, 1) == 1 ? scan.entry(0) : 0;
            boolean shown = (entry & PagemapLayout.ENTRY_FRAME) != 0;
            return shown && (entry & PagemapLayout.ENTRY_PRESENT) == 0 ? entry : PagemapLayout.NO_ENTRY;
        } catch (NativeException e) {
            return PagemapLayout.NO_ENTRY; // no such tracking here, so no markers
        }
    }

    /**
     * How the range begins.
     *
     * @param start first host address, page-aligned
     * @param end host address after the last byte, page-aligned, greater than {@code start}
     * @param limit where the memory ends; there may be a look ahead up to here
     * @return bytes from {@code start} that hold nothing but zeros, up to {@code end - start}; or, negative, bytes that can
     *     hold something, also when nothing is known of them; never 0
     */
    public long lead(long start, long end, long limit) {
        Scan scan = scans.get();
        if (scan.hasInPresentRun(start)) {
            return start - Math.min(scan.runEnd, end);
        }
        if (!enter()) {
            return start - end;
        }
        try {
            if (!scan.hasInRun(start)) {
                scan.find(fd, start, Math.max(end, Math.min(limit, start + WINDOW_BYTES)));
            }
            if (start < scan.runStart) {
                return Math.min(scan.runStart, end) - start;
            }
            long within = Math.min(scan.runEnd, end);
            return scan.runIsPresent || marker == PagemapLayout.NO_ENTRY ? start - within : marked(scan, start, within);
        } finally {
            leave();
        }
    }

    /** As {@link #lead}, of pages that had entries without a page just now. */
    private long marked(Scan scan, long start, long end) {
        int pages = (int) Math.min(MOST_ENTRIES, (end - start) >>> hostPageShift);
        if (scan.readEntries(fd, start >>> hostPageShift, pages) != pages) {
            return start - end;
        }
        boolean zero = scan.entry(0) == marker;
        int lead = 1;
        while (lead < pages && scan.entry(lead) == marker == zero) {
            lead++;
        }
        long bytes = (long) lead << hostPageShift;
        return zero ? bytes : -bytes;
    }

    private boolean enter() {
        return users.getAndUpdate(now -> now == 0 ? 0 : now + 1) > 0;
    }

    private void leave() {
        if (users.decrementAndGet() == 0) {
            LibC.C.close(fd);
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            leave();
        }
    }

    /** One thread's arguments and what it knows. */
    private static final class Scan {
        private final ByteBuffer argument = direct(PagemapLayout.ARG_BYTES);
        private final ByteBuffer run = direct(PagemapLayout.REGION_BYTES);
        private final ByteBuffer entries = direct(MOST_ENTRIES * PagemapLayout.ENTRY_BYTES);

        /** A run of pages that have an entry other than that of the zero page. */
        private long runStart;

        private long runEnd;
        private boolean runIsPresent;

        /** Asks for the first run of pages that are present or swapped, and not the zero page. */
        Scan() {
            argument.putLong(PagemapLayout.ARG_SIZE, PagemapLayout.ARG_BYTES);
            argument.putLong(PagemapLayout.ARG_VEC, NativeBuffers.address(run));
            argument.putLong(PagemapLayout.ARG_VEC_LEN, 1);
            argument.putLong(PagemapLayout.ARG_CATEGORY_INVERTED, PagemapLayout.PAGE_IS_PFNZERO);
            argument.putLong(PagemapLayout.ARG_CATEGORY_MASK, PagemapLayout.PAGE_IS_PFNZERO);
            argument.putLong(
                    PagemapLayout.ARG_CATEGORY_ANY_OF, PagemapLayout.PAGE_IS_PRESENT | PagemapLayout.PAGE_IS_SWAPPED);
            argument.putLong(PagemapLayout.ARG_RETURN_MASK, PagemapLayout.PAGE_IS_PRESENT);
        }

        private static ByteBuffer direct(int bytes) {
            return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        }

        boolean hasInRun(long address) {
            return address >= runStart && address < runEnd;
        }

        boolean hasInPresentRun(long address) {
            return runIsPresent && hasInRun(address);
        }

        int run(int fd, long start, long end) {
            argument.putLong(PagemapLayout.ARG_START, start);
            argument.putLong(PagemapLayout.ARG_END, end);
            argument.putLong(PagemapLayout.ARG_WALK_END, 0);
            int runs = LibC.C.ioctl(fd, PagemapLayout.PAGEMAP_SCAN, NativeBuffers.address(argument));
            Reference.reachabilityFence(this);
            return runs;
        }

        /** Afterwards everything before the run, from {@code start} on, is zero. */
        void find(int fd, long start, long end) {
            int runs = run(fd, start, end);
            if (runs < 0) {
                runStart = start; // refused: nothing is known, so all of it is to be read
                runEnd = end;
                runIsPresent = true;
            } else if (runs == 0) {
                runStart = end;
                runEnd = end;
            } else {
                runStart = run.getLong(PagemapLayout.REGION_START);
                runEnd = run.getLong(PagemapLayout.REGION_END);
                runIsPresent = (run.getLong(PagemapLayout.REGION_CATEGORIES) & PagemapLayout.PAGE_IS_PRESENT) != 0;
            }
        }

        /** Reads entries of the pagemap; gives how many there were. */
        int readEntries(int fd, long firstHostPage, int pages) {
            long bytes = LibC.C.pread(
                    fd,
                    NativeBuffers.address(entries),
                    (long) pages * PagemapLayout.ENTRY_BYTES,
                    firstHostPage * PagemapLayout.ENTRY_BYTES);
            Reference.reachabilityFence(this);
            return (int) (bytes / PagemapLayout.ENTRY_BYTES);
        }

        /** What an entry says of the kind of its page, without what changes for other reasons. */
        long entry(int index) {
            return entries.getLong(index * PagemapLayout.ENTRY_BYTES) & PagemapLayout.ENTRY_KIND;
        }
    }
}
