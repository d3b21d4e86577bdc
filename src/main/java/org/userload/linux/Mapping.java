package org.userload.linux;

import com.kenai.jffi.MemoryIO;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.ffi.Pointer;

/**
 * A private anonymous mapping: address space whose pages appear on first touch.
 *
 * <p>The mapping is reserved without swap accounting ({@code MAP_NORESERVE}), so that a sparse guest larger than the
 * host's memory can be opened.
 *
 * <p><b>Ownership.</b> {@link #close()} gives the memory back to the system at once, or when the last {@link #pin} is undone. The
 * address range itself stays reserved until no Java code can reach this object: a thread that is in the middle of an
 * access while another closes sees zeros, never an unmapped address. Whoever hands {@link #address()} to native code must
 * end that use before closing, or pin the mapping for it.
 *
 * <p><b>Threads.</b> Any; {@code close} is idempotent.
 */
public final class Mapping implements AutoCloseable {
    private static final int PROT_NONE = 0;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MAP_HUGETLB = 0x40000;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final long MAP_FAILED = -1;

    private static final Cleaner CLEANER = Cleaner.create();

    /** In {@link #pins}: closed. */
    private static final int CLOSED = 1 << 31;

    private final long address;
    private final long length;

    /** Uses for which the bytes must stay, and {@link #CLOSED}. */
    private final AtomicInteger pins = new AtomicInteger();

    private Mapping(long address, long length) {
        this.address = address;
        this.length = length;
        CLEANER.register(this, new Unmap(address, length));
    }

    /**
     * Maps {@code length} bytes, readable and writable.
     *
     * @param length bytes, positive, rounded up to the host's page size by the kernel
     * @throws NativeException when the kernel refuses
     */
    public static Mapping anonymous(long length) {
        if (length <= 0) {
            throw new IllegalArgumentException("a mapping needs at least one byte, not " + length);
        }
        return new Mapping(map(length), length);
    }

    /**
     * As {@link #anonymous}, of huge pages that the system has reserved (hugetlbfs): never in smaller pieces, and a fault is one of
     * 2 MiB.
     *
     * @param length bytes, a multiple of {@link HugePages#BYTES}
     * @throws NativeException.NativeResourceException when there are not so many; {@code sysctl vm.nr_hugepages} reserves them
     */
    public static Mapping ofReservedHugePages(long length) {
        if (length <= 0 || length % HugePages.BYTES != 0) {
            throw new IllegalArgumentException("no number of huge pages has " + length + " bytes");
        }
        return new Mapping(map(length, MAP_HUGETLB), length);
    }

    private static long map(long length) {
        return map(length, MAP_NORESERVE);
    }

    private static long map(long length, int flags) {
        Pointer start = LibC.C.mmap(null, length, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
        if (start == null || start.address() == MAP_FAILED) {
            throw NativeFailure.of("mmap", LibC.errno(), 0, length);
        }
        return start.address();
    }

    /**
     * As {@link #anonymous}, at an address such that byte {@code offset} of the mapping is a multiple of {@code alignment}.
     *
     * @param alignment bytes, a power of two and a multiple of the host's page size
     * @param offset bytes, at least 0, a multiple of the host's page size
     */
    public static Mapping aligned(long length, long alignment, long offset) {
        int page = hostPageSize();
        if (length <= 0 || Long.bitCount(alignment) != 1 || alignment < page || offset < 0 || offset % page != 0) {
            throw new IllegalArgumentException(String.format(
                    "no mapping of %d bytes has its byte %d on a multiple of %d", length, offset, alignment));
        }
        long whole = (length + page - 1) & -page;
        long first = map(whole + alignment);
        long end = first + whole + alignment;
        long start = ((first + offset + alignment - 1) & -alignment) - offset;
        unmap(first, start - first);
        unmap(start + whole, end - start - whole);
        return new Mapping(start, length);
    }

    private static void unmap(long address, long length) {
        if (length > 0) {
            NativeFailure.check("munmap", LibC.C.munmap(address, length), address, length);
        }
    }

    /**
     * Asks for transparent huge pages behind this mapping: fewer address translations for memory that is present anyway.
     * A wish; where the kernel has none, nothing changes.
     */
    public void preferHugePages() {
        preferHugePages(0, length);
    }

    /** As {@link #preferHugePages()}, of a part: offset and length in bytes, page-aligned. */
    public void preferHugePages(long offset, long bytes) {
        LibC.C.madvise(address + offset, bytes, MADV_HUGEPAGE);
    }

    /** The host's page size in bytes. */
    public static int hostPageSize() {
        int scPageSize = 30;
        return (int) NativeFailure.check("sysconf(_SC_PAGESIZE)", LibC.C.sysconf(scPageSize), 0, 0);
    }

    /** First host address; page-aligned. */
    public long address() {
        return address;
    }

    /** Length in bytes. */
    public long length() {
        return length;
    }

    /** A direct buffer over part of the mapping; it does not keep the mapping alive. */
    public ByteBuffer buffer(long offset, int size) {
        if (offset < 0 || size < 0 || offset > length - size) {
            throw new IndexOutOfBoundsException(
                    String.format("%d bytes at offset %d of a mapping of %d bytes", size, offset, length));
        }
        return MemoryIO.getInstance().newDirectByteBuffer(address + offset, size);
    }

    /** Drops the pages of a range: the next touch finds zeros, or faults when the range is registered. */
    public static void discard(long address, long length) {
        NativeFailure.check("madvise(MADV_DONTNEED)", LibC.C.madvise(address, length, MADV_DONTNEED), address, length);
    }

    /** Takes every right to a range away: a touch from native code is a SIGSEGV, a system call gets EFAULT. */
    public static void forbid(long address, long length) {
        NativeFailure.check("mprotect(PROT_NONE)", LibC.C.mprotect(address, length, PROT_NONE), address, length);
    }

    /**
     * Keeps the bytes while a use lasts that does not end when {@link #close} is called, as that of a socket which has not
     * sent them yet. Undone by one {@link #unpin}.
     *
     * @return false when the mapping is closed: its bytes are gone
     */
    public boolean pin() {
        int before = pins.getAndUpdate(count -> count < 0 ? count : count + 1);
        return before >= 0;
    }

    /** Ends a use. Any thread. */
    public void unpin() {
        if (pins.decrementAndGet() == CLOSED) {
            discard(address, length);
        }
    }

    /** Frees the memory, at the latest with the last use; the address range follows when this object becomes unreachable. */
    @Override
    public void close() {
        if (pins.getAndUpdate(count -> count | CLOSED) == 0) {
            discard(address, length);
        }
    }

    private record Unmap(long address, long length) implements Runnable {
        @Override
        public void run() {
            LibC.C.munmap(address, length);
        }
    }
}
