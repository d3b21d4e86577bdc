package org.userload.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.userload.linux.HugePages;
import org.userload.linux.Mapping;

/**
 * One region of guest memory: host memory behind it and the received bitmap that says which of its pages are there.
 *
 * <p>The accessors here do no presence test; they are for pages that are known to be present, and they never cross a
 * page. {@link GuestMemory} is the safe way in.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> The {@link GuestMemory} that created it closes it.
 */
public final class MemoryRegion {
    /** Host memory is seen through direct buffers of this many bytes, since one buffer ends at 2 GiB. */
    private static final int SEGMENT_SHIFT = 30;

    private static final long SEGMENT_MASK = (1L << SEGMENT_SHIFT) - 1;

    private static final VarHandle WRITTEN = writtenField();
    private static final VarHandle SHORT_LE = view(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT_LE = view(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG_LE = view(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final int index;
    private final long guestAddress;
    private final long pageCount;
    private final long sizeBytes;
    private final int pageShift;
    private final Mapping mapping;
    private final ByteBuffer[] segments;
    private final AtomicBitmap received;

    /** Where writes are recorded, or null. Accesses look at it by {@link #WRITTEN}, opaque. */
    private volatile @Nullable AtomicBitmap written;

    private MemoryRegion(int index, RegionTable.Entry entry, PageSize pageSize, Mapping mapping) {
        this.index = index;
        this.guestAddress = entry.guestAddress();
        this.pageCount = entry.pageCount();
        this.pageShift = pageSize.shift();
        this.sizeBytes = pageCount << pageShift;
        this.mapping = mapping;
        this.segments = segmentsOf(mapping);
        this.received = new AtomicBitmap(pageCount);
    }

    /** Page 0 of a region that has room for a huge page lies where one can begin. */
    static MemoryRegion map(int index, RegionTable.Entry entry, PageSize pageSize) {
        long bytes = entry.pageCount() << pageSize.shift();
        Mapping mapping = bytes < HugePages.BYTES || Mapping.hostPageSize() > HugePages.BYTES
                ? Mapping.anonymous(bytes)
                : Mapping.aligned(bytes, HugePages.BYTES, 0);
        return new MemoryRegion(index, entry, pageSize, mapping);
    }

    /** Makes every page count as present: ordinary memory. */
    void makePresent() {
        mapping.preferHugePages();
        received.set(0, pageCount);
    }

    private static VarHandle writtenField() {
        try {
            return MethodHandles.lookup().findVarHandle(MemoryRegion.class, "written", AtomicBitmap.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static VarHandle view(Class<?> arrayType, ByteOrder order) {
        return MethodHandles.byteBufferViewVarHandle(arrayType, order);
    }

    private static ByteBuffer[] segmentsOf(Mapping mapping) {
        int count = Math.toIntExact((mapping.length() + SEGMENT_MASK) >>> SEGMENT_SHIFT);
        ByteBuffer[] segments = new ByteBuffer[count];
        for (int i = 0; i < count; i++) {
            long offset = (long) i << SEGMENT_SHIFT;
            segments[i] = mapping.buffer(offset, (int) Math.min(mapping.length() - offset, 1L << SEGMENT_SHIFT));
        }
        return segments;
    }

    /** Position in the region table. */
    public int index() {
        return index;
    }

    /** First guest address. */
    public long guestAddress() {
        return guestAddress;
    }

    public long pageCount() {
        return pageCount;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public int pageShift() {
        return pageShift;
    }

    /** First host address; page-aligned. */
    public long hostAddress() {
        return mapping.address();
    }

    /** Host address of a page's first byte. */
    public long hostAddressOf(long page) {
        return mapping.address() + (page << pageShift);
    }

    /**
     * Which pages are in place. A set bit is a promise that the page's bytes are there and may be accessed from Java;
     * it is set after the install and by the installer only.
     */
    public AtomicBitmap received() {
        return received;
    }

    /**
     * The bytes of pages where they are, for who sends them from there: they stay until {@link #unpin}, also when the memory is
     * closed meanwhile.
     *
     * @return null when the memory is closed, or when the pages do not lie in one buffer
     */
    public @Nullable ByteBuffer pin(long firstPage, int count) {
        long offset = firstPage << pageShift;
        int bytes = count << pageShift;
        int start = within(offset);
        ByteBuffer segment = segment(offset);
        if (start > segment.capacity() - bytes || !mapping.pin()) {
            return null;
        }
        return segment.slice(start, bytes);
    }

    /** Undoes one {@link #pin} that gave bytes. Any thread. */
    public void unpin() {
        mapping.unpin();
    }

    /** Copies bytes of present pages to a buffer's position and moves it. */
    public void copyTo(long offset, int length, ByteBuffer target) {
        long at = offset;
        int left = length;
        while (left > 0) {
            ByteBuffer segment = segment(at);
            int start = within(at);
            int piece = Math.min(left, segment.capacity() - start);
            target.put(target.position(), segment, start, piece);
            target.position(target.position() + piece);
            at += piece;
            left -= piece;
        }
    }

    /**
     * How many present pages from {@code firstPage} on hold nothing but zeros, up to {@code most}. Reads them: the next page
     * up to its first piece that is not zero.
     */
    public int leadingZeroPages(long firstPage, int most) {
        int pages = 0;
        while (pages < most && isZeroPage(firstPage + pages)) {
            pages++;
        }
        return pages;
    }

    /** How many present pages from {@code firstPage} on hold a byte that is not zero, up to {@code most}. */
    public int leadingDataPages(long firstPage, int most) {
        int pages = 0;
        while (pages < most && !isZeroPage(firstPage + pages)) {
            pages++;
        }
        return pages;
    }

    private boolean isZeroPage(long page) {
        long offset = page << pageShift;
        ByteBuffer segment = segment(offset);
        int start = within(offset);
        return ZeroBytes.isZero(segment, start, 1 << pageShift);
    }

    byte getByte(long offset) {
        return segment(offset).get(within(offset));
    }

    void putByte(long offset, byte value) {
        segment(offset).put(within(offset), value);
        noteWrite(offset);
    }

    short getShort(long offset) {
        return (short) SHORT_LE.get(segment(offset), within(offset));
    }

    void putShort(long offset, short value) {
        SHORT_LE.set(segment(offset), within(offset), value);
        noteWrite(offset);
    }

    int getInt(long offset) {
        return (int) INT_LE.get(segment(offset), within(offset));
    }

    void putInt(long offset, int value) {
        INT_LE.set(segment(offset), within(offset), value);
        noteWrite(offset);
    }

    long getLong(long offset) {
        return (long) LONG_LE.get(segment(offset), within(offset));
    }

    void putLong(long offset, long value) {
        LONG_LE.set(segment(offset), within(offset), value);
        noteWrite(offset);
    }

    void get(long offset, byte[] target, int start, int length) {
        segment(offset).get(within(offset), target, start, length);
    }

    void put(long offset, byte[] source, int start, int length) {
        segment(offset).put(within(offset), source, start, length);
        noteWrite(offset);
    }

    /** Moves the position of {@code target}. */
    void get(long offset, ByteBuffer target, int length) {
        target.put(target.position(), segment(offset), within(offset), length);
        target.position(target.position() + length);
    }

    /** Moves the position of {@code source}. */
    void put(long offset, ByteBuffer source, int length) {
        segment(offset).put(within(offset), source, source.position(), length);
        noteWrite(offset);
        source.position(source.position() + length);
    }

    boolean compareAndSetLong(long offset, long expected, long next) {
        boolean was = LONG_LE.compareAndSet(segment(offset), within(offset), expected, next);
        noteWrite(offset);
        return was;
    }

    long getAndAddLong(long offset, long delta) {
        if (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
            long before = (long) LONG_LE.getAndAdd(segment(offset), within(offset), delta);
            noteWrite(offset);
            return before;
        }
        while (true) {
            long value = (long) LONG_LE.getVolatile(segment(offset), within(offset));
            if (compareAndSetLong(offset, value, value + delta)) {
                return value;
            }
        }
    }

    /**
     * Records writes of the page-access layer from now on: each sets the bit of its page. A thread that is between a
     * store and its look at this field may not have seen the change when this call returns; {@code dirty} waits for it.
     *
     * @param pages one bit for each page
     * @throws IllegalStateException when writes are recorded already
     */
    public void recordWrites(AtomicBitmap pages) {
        if (pages.size() != pageCount) {
            throw new IllegalArgumentException(pages.size() + " bits for " + pageCount + " pages");
        }
        if (written != null || !WRITTEN.compareAndSet(this, null, pages)) {
            throw new IllegalStateException(
                    "writes of region " + index + " are recorded already; close that tracker first");
        }
    }

    /** Ends what {@link #recordWrites} began. */
    public void stopRecordingWrites() {
        written = null;
    }

    /**
     * Comes after each store. While writes are recorded: store, full fence, test of the bit. Who collects clears the bit,
     * passes a full fence and then reads the page. So either this test finds the bit clear and sets it, or the other
     * thread finds the stored bytes (Dekker's argument). While they are not, this is a load and a branch; the opaque
     * read is made anew for each store and after it.
     */
    private void noteWrite(long offset) {
        AtomicBitmap pages = (AtomicBitmap) WRITTEN.getOpaque(this);
        if (pages != null) {
            record(pages, offset >>> pageShift);
        }
    }

    private static void record(AtomicBitmap pages, long page) {
        VarHandle.fullFence();
        if (!pages.get(page)) {
            pages.set(page);
        }
    }

    /**
     * Gives the host memory of pages back: they are zero pages from now on. Only where a touch of a dropped page makes it a
     * zero page by itself, that is, not while the region is registered for missing pages; then a Java access that races with
     * this sees the old bytes or zeros. No write for who tracks writes.
     *
     * @throws IndexOutOfBoundsException if not all pages lie within the region
     */
    public void drop(long firstPage, long count) {
        if (firstPage < 0 || count < 1 || firstPage > pageCount - count) {
            throw new IndexOutOfBoundsException(
                    count + " pages from page " + firstPage + " do not lie within a region of " + pageCount + " pages");
        }
        Mapping.discard(hostAddressOf(firstPage), count << pageShift);
    }

    private ByteBuffer segment(long offset) {
        return segments[(int) (offset >>> SEGMENT_SHIFT)];
    }

    private static int within(long offset) {
        return (int) (offset & SEGMENT_MASK);
    }

    /** After this no page counts as present, so that every access takes the slow path and meets the closed memory. */
    void close() {
        received.clear(0, pageCount);
        mapping.close();
    }
}
