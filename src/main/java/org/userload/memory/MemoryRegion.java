package org.userload.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

    static final VarHandle SHORT_LE = view(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INT_LE = view(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG_LE = view(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final int index;
    private final long guestAddress;
    private final long pageCount;
    private final long sizeBytes;
    private final int pageShift;
    private final Mapping mapping;
    private final ByteBuffer[] segments;
    private final AtomicBitmap received;

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

    static MemoryRegion map(int index, RegionTable.Entry entry, PageSize pageSize) {
        Mapping mapping = Mapping.anonymous(entry.pageCount() << pageSize.shift());
        return new MemoryRegion(index, entry, pageSize, mapping);
    }

    /** Makes every page count as present: ordinary memory. */
    void makePresent() {
        mapping.preferHugePages();
        received.set(0, pageCount);
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

    /** Whether a present page is all zero. Leaves at the first byte that is not. */
    public boolean isZeroPage(long page) {
        long offset = page << pageShift;
        ByteBuffer segment = segment(offset);
        int start = within(offset);
        int end = start + (1 << pageShift);
        for (int at = start; at < end; at += 4 * Long.BYTES) {
            long bits = (long) LONG_LE.get(segment, at)
                    | (long) LONG_LE.get(segment, at + Long.BYTES)
                    | (long) LONG_LE.get(segment, at + 2 * Long.BYTES)
                    | (long) LONG_LE.get(segment, at + 3 * Long.BYTES);
            if (bits != 0) {
                return false;
            }
        }
        return true;
    }

    byte getByte(long offset) {
        return segment(offset).get(within(offset));
    }

    void putByte(long offset, byte value) {
        segment(offset).put(within(offset), value);
    }

    ByteBuffer segment(long offset) {
        return segments[(int) (offset >>> SEGMENT_SHIFT)];
    }

    static int within(long offset) {
        return (int) (offset & SEGMENT_MASK);
    }

    /** After this no page counts as present, so that every access takes the slow path and meets the closed memory. */
    void close() {
        received.clear(0, pageCount);
        mapping.close();
    }
}
