package org.userload.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The page-access layer: how Java code reads and writes guest memory, at guest addresses.
 *
 * <p><b>A page's way.</b> Each access tests the received bitmap. On a present page it costs that test and a plain
 * access. On a missing page the thread goes to the {@link MissingPageHandler} and waits there, in native code or
 * parked, until the page is installed; so a thread never takes a userfaultfd fault from Java code, which would block
 * the next safepoint. A write to a part of a missing page waits for the page first, so the rest of the page is kept.
 *
 * <p><b>Values</b> are little-endian unless a {@link ByteOrder} is given. They may be unaligned and may cross pages and
 * adjacent regions, piece by piece; only accesses that lie aligned in themselves are free of tearing. {@code
 * compareAndSet} and {@code getAndAdd} need an address that is a multiple of 8.
 *
 * <p><b>Recorded writes.</b> Every write here notes its page after its store while {@link MemoryRegion#recordWrites} is
 * on; while it is off, that costs a load and a branch.
 *
 * <p><b>Threads.</b> Any number; ordinary accesses are plain (not volatile), the atomic ones have volatile semantics.
 *
 * <p><b>Errors.</b> {@link IndexOutOfBoundsException} for an address outside every region, {@link
 * IllegalArgumentException} for a misaligned atomic, {@link PageUnavailableException} when a missing page cannot be
 * had, {@link IllegalStateException} after {@link #close()}. A bulk access that fails in the middle has done the part
 * before.
 *
 * <p><b>Ownership.</b> The creator closes it, which frees the memory of every region; see {@link
 * org.userload.linux.Mapping} for what a racing access sees.
 */
public final class GuestMemory implements AutoCloseable {
    private static final int FILL_BYTES = 4096;

    private final RegionTable table;
    private final MemoryRegion[] regions;
    private final MemoryRegion first;
    private final int pageMask;
    private final MissingPageHandler handler;

    /** Ordinary memory from the beginning: nothing waits for a page, and a dropped page is a zero page by itself. */
    private final boolean alwaysPresent;

    private final AtomicBoolean closed = new AtomicBoolean();

    private GuestMemory(RegionTable table, MissingPageHandler handler, boolean alwaysPresent) {
        this.table = table;
        this.handler = handler;
        this.alwaysPresent = alwaysPresent;
        this.pageMask = table.pageSize().bytes() - 1;
        List<MemoryRegion> mapped = new ArrayList<>();
        try {
            for (RegionTable.Entry entry : table.entries()) {
                mapped.add(MemoryRegion.map(mapped.size(), entry, table.pageSize()));
            }
        } catch (RuntimeException | Error e) {
            mapped.forEach(MemoryRegion::close);
            throw e;
        }
        this.regions = mapped.toArray(new MemoryRegion[0]);
        this.first = regions[0];
    }

    /** Memory whose pages are all missing; the handler makes them appear. */
    public static GuestMemory missing(RegionTable table, MissingPageHandler handler) {
        return new GuestMemory(table, Objects.requireNonNull(handler, "handler"), false);
    }

    /** Ordinary memory: every page present and zero, on huge pages where the kernel has them. */
    public static GuestMemory present(RegionTable table) {
        MissingPageHandler none = (region, page) -> {
            throw new IllegalStateException("page " + page + " of region " + region
                    + " is not here any more: guest memory was closed, or the page has moved away");
        };
        GuestMemory memory = new GuestMemory(table, none, true);
        for (MemoryRegion region : memory.regions) {
            region.makePresent();
        }
        return memory;
    }

    public RegionTable table() {
        return table;
    }

    /** Bytes of all regions. */
    public long sizeBytes() {
        return table.totalBytes();
    }

    public int regionCount() {
        return regions.length;
    }

    public MemoryRegion region(int index) {
        return regions[index];
    }

    public byte getByte(long address) {
        MemoryRegion region = regionOf(address, 1);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.getByte(offset);
    }

    public void putByte(long address, byte value) {
        MemoryRegion region = regionOf(address, 1);
        long offset = address - region.guestAddress();
        require(region, offset);
        region.putByte(offset, value);
    }

    public short getShort(long address) {
        if (crossesPage(address, Short.BYTES)) {
            return (short) getPieces(address, Short.BYTES);
        }
        MemoryRegion region = regionOf(address, Short.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.getShort(offset);
    }

    public short getShort(long address, ByteOrder order) {
        short value = getShort(address);
        return isLittle(order) ? value : Short.reverseBytes(value);
    }

    public void putShort(long address, short value) {
        if (crossesPage(address, Short.BYTES)) {
            putPieces(address, value, Short.BYTES);
            return;
        }
        MemoryRegion region = regionOf(address, Short.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        region.putShort(offset, value);
    }

    public void putShort(long address, short value, ByteOrder order) {
        putShort(address, isLittle(order) ? value : Short.reverseBytes(value));
    }

    public int getInt(long address) {
        if (crossesPage(address, Integer.BYTES)) {
            return (int) getPieces(address, Integer.BYTES);
        }
        MemoryRegion region = regionOf(address, Integer.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.getInt(offset);
    }

    public int getInt(long address, ByteOrder order) {
        int value = getInt(address);
        return isLittle(order) ? value : Integer.reverseBytes(value);
    }

    public void putInt(long address, int value) {
        if (crossesPage(address, Integer.BYTES)) {
            putPieces(address, value, Integer.BYTES);
            return;
        }
        MemoryRegion region = regionOf(address, Integer.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        region.putInt(offset, value);
    }

    public void putInt(long address, int value, ByteOrder order) {
        putInt(address, isLittle(order) ? value : Integer.reverseBytes(value));
    }

    public long getLong(long address) {
        if (crossesPage(address, Long.BYTES)) {
            return getPieces(address, Long.BYTES);
        }
        MemoryRegion region = regionOf(address, Long.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.getLong(offset);
    }

    public long getLong(long address, ByteOrder order) {
        long value = getLong(address);
        return isLittle(order) ? value : Long.reverseBytes(value);
    }

    public void putLong(long address, long value) {
        if (crossesPage(address, Long.BYTES)) {
            putPieces(address, value, Long.BYTES);
            return;
        }
        MemoryRegion region = regionOf(address, Long.BYTES);
        long offset = address - region.guestAddress();
        require(region, offset);
        region.putLong(offset, value);
    }

    public void putLong(long address, long value, ByteOrder order) {
        putLong(address, isLittle(order) ? value : Long.reverseBytes(value));
    }

    /** Copies {@code length} bytes of guest memory into an array. */
    public void get(long address, byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        long at = address;
        int done = 0;
        while (done < length) {
            MemoryRegion region = regionOf(at, 1);
            long inRegion = at - region.guestAddress();
            require(region, inRegion);
            int piece = pieceInPage(at, length - done);
            region.get(inRegion, target, offset + done, piece);
            at += piece;
            done += piece;
        }
    }

    /** Copies {@code length} bytes of an array into guest memory. */
    public void put(long address, byte[] source, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        long at = address;
        int done = 0;
        while (done < length) {
            MemoryRegion region = regionOf(at, 1);
            long inRegion = at - region.guestAddress();
            require(region, inRegion);
            int piece = pieceInPage(at, length - done);
            region.put(inRegion, source, offset + done, piece);
            at += piece;
            done += piece;
        }
    }

    /** Fills the buffer from its position to its limit with guest memory; moves the position. */
    public void get(long address, ByteBuffer target) {
        long at = address;
        while (target.hasRemaining()) {
            MemoryRegion region = regionOf(at, 1);
            long inRegion = at - region.guestAddress();
            require(region, inRegion);
            int piece = pieceInPage(at, target.remaining());
            region.get(inRegion, target, piece);
            at += piece;
        }
    }

    /** Writes what remains of the buffer into guest memory; moves the position. */
    public void put(long address, ByteBuffer source) {
        long at = address;
        while (source.hasRemaining()) {
            MemoryRegion region = regionOf(at, 1);
            long inRegion = at - region.guestAddress();
            require(region, inRegion);
            int piece = pieceInPage(at, source.remaining());
            region.put(inRegion, source, piece);
            at += piece;
        }
    }

    /** Sets {@code length} bytes to {@code value}. */
    public void fill(long address, long length, byte value) {
        if (length < 0) {
            throw new IllegalArgumentException("cannot fill " + length + " bytes");
        }
        byte[] pattern = new byte[(int) Math.min(length, FILL_BYTES)];
        Arrays.fill(pattern, value);
        for (long done = 0; done < length; done += pattern.length) {
            put(address + done, pattern, 0, (int) Math.min(pattern.length, length - done));
        }
    }

    /**
     * Sets a little-endian long to {@code next} if it is {@code expected}, atomically.
     *
     * @param address a multiple of 8
     * @return whether it was
     */
    public boolean compareAndSetLong(long address, long expected, long next) {
        MemoryRegion region = regionOfAtomic(address);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.compareAndSetLong(offset, expected, next);
    }

    /**
     * Adds to a little-endian long, atomically.
     *
     * @param address a multiple of 8
     * @return the value before
     */
    public long getAndAddLong(long address, long delta) {
        MemoryRegion region = regionOfAtomic(address);
        long offset = address - region.guestAddress();
        require(region, offset);
        return region.getAndAddLong(offset, delta);
    }

    /**
     * The host address of a guest address, for native code. The page need not be present: with the userfaultfd
     * interceptor a native touch faults it in; with the software interceptor make it present first. Valid until close.
     */
    public long nativeAddress(long address) {
        MemoryRegion region = regionOf(address, 1);
        checkOpen();
        return region.hostAddress() + (address - region.guestAddress());
    }

    /** Waits until the page of an address is present. */
    public void touch(long address) {
        MemoryRegion region = regionOf(address, 1);
        require(region, address - region.guestAddress());
    }

    /**
     * Gives the host memory of pages back: from the return on they are zero pages, without a copy of the zeros anywhere. For
     * pages that nobody is using; an access that races with this sees the old bytes or zeros, and never waits for ever.
     *
     * <p>Not a write: who tracks writes may or may not report these pages, and the caller itself must say that their content
     * has changed. In memory that is being paged in, a missing page is a zero page from now on, and does not come from the
     * source.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages, at least 1
     * @throws IndexOutOfBoundsException if not all pages lie within the region
     * @throws org.userload.linux.NativeException when the kernel refuses; the pages hold the old bytes or zeros then
     */
    public void drop(int region, long firstPage, long count) {
        checkOpen();
        if (alwaysPresent) {
            regions[region].drop(firstPage, count);
        } else {
            handler.drop(region, firstPage, count);
        }
    }

    /**
     * These pages live somewhere else from now on: gives their host memory back, and every access to them is an error from the
     * return on, never a zero page. One that races with this sees the old bytes or zeros. Only in ordinary memory.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages, at least 1
     * @throws IndexOutOfBoundsException if not all pages lie within the region
     * @throws IllegalStateException in memory that is itself being paged in
     */
    public void giveUp(int region, long firstPage, long count) {
        checkOpen();
        if (!alwaysPresent) {
            throw new IllegalStateException("pages of memory that is being paged in cannot be given up");
        }
        regions[region].received().clear(firstPage, count);
        regions[region].drop(firstPage, count);
    }

    public boolean isClosed() {
        return closed.get();
    }

    /** Frees the memory. Idempotent. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            for (MemoryRegion region : regions) {
                region.close();
            }
        }
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new IllegalStateException("guest memory is closed");
        }
    }

    private boolean crossesPage(long address, int bytes) {
        return (address & pageMask) > pageMask + 1 - bytes;
    }

    private int pieceInPage(long address, int wanted) {
        return (int) Math.min(wanted, pageMask + 1 - (address & pageMask));
    }

    private MemoryRegion regionOf(long address, int bytes) {
        MemoryRegion region = first;
        long offset = address - region.guestAddress();
        return offset >= 0 && offset < region.sizeBytes() ? region : searchRegion(address, bytes);
    }

    private MemoryRegion searchRegion(long address, int bytes) {
        int low = 0;
        int high = regions.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            MemoryRegion region = regions[middle];
            if (address < region.guestAddress()) {
                high = middle - 1;
            } else if (address - region.guestAddress() >= region.sizeBytes()) {
                low = middle + 1;
            } else {
                return region;
            }
        }
        throw new IndexOutOfBoundsException(
                String.format("guest address 0x%x (%d bytes) lies in no region of guest memory", address, bytes));
    }

    /** Takes an offset and not an address: the test is an acquire, after which the JIT reads the region's fields anew. */
    private void require(MemoryRegion region, long offset) {
        long page = offset >>> region.pageShift();
        if (!region.received().get(page)) {
            awaitPage(region, page);
        }
    }

    private MemoryRegion regionOfAtomic(long address) {
        if ((address & (Long.BYTES - 1)) != 0) {
            throw new IllegalArgumentException(
                    String.format("an atomic access needs an address that is a multiple of 8, not 0x%x", address));
        }
        return regionOf(address, Long.BYTES);
    }

    private void awaitPage(MemoryRegion region, long page) {
        checkOpen();
        handler.awaitPage(region.index(), page);
        checkOpen();
    }

    private long getPieces(long address, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (getByte(address + i) & 0xFFL) << (i * Byte.SIZE);
        }
        return value;
    }

    private void putPieces(long address, long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            touch(address + i);
        }
        for (int i = 0; i < bytes; i++) {
            putByte(address + i, (byte) (value >>> (i * Byte.SIZE)));
        }
    }

    private static boolean isLittle(ByteOrder order) {
        return Objects.requireNonNull(order, "order") == ByteOrder.LITTLE_ENDIAN;
    }
}
