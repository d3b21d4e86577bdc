package org.userload.trace;

/**
 * A trace in memory: the accesses of a recorded program, with its pages compacted into guest memory.
 *
 * <p><b>Compaction.</b> The distinct 4 KiB pages that the accesses touch, ordered by address (unsigned), occupy guest
 * memory from 0 without gaps. Bytes keep their offset in the page. An access that crosses a page border touches both
 * pages; as nothing lies between them they are neighbours in guest memory too, and the access stays contiguous.
 *
 * <p><b>Memory.</b> One {@code long} an access, 8 bytes a page, no object for either. Chunks of
 * {@value #CHUNK_ACCESSES} accesses lift the limit of Java arrays.
 *
 * <p>Immutable, so any number of threads may read it. Positions are 0 to {@code accessCount() - 1}; other positions
 * throw {@link IndexOutOfBoundsException}.
 */
public final class Trace {
    /** Bytes a page, of the recorded program as of guest memory. */
    public static final int PAGE_BYTES = 4096;

    static final int PAGE_SHIFT = 12;

    static final int CHUNK_SHIFT = 13;
    static final int CHUNK_ACCESSES = 1 << CHUNK_SHIFT;
    static final int CHUNK_MASK = CHUNK_ACCESSES - 1;

    // One packed access: guest address (50 bits) | size - 1 (12 bits) | operation (2 bits).
    private static final int SIZE_SHIFT = 2;
    private static final int SIZE_MASK = Access.MAX_SIZE_BYTES - 1;
    private static final int ADDRESS_SHIFT = 14;

    private final String name;
    private final long[][] chunks;
    private final long accessCount;
    private final long[] pages;
    private final long fingerprint;

    /**
     * @param chunks packed accesses, all chunks full but the last
     * @param pages page numbers (address / 4096), ascending, the rank being the page's place in guest memory
     */
    Trace(String name, long[][] chunks, long accessCount, long[] pages, long fingerprint) {
        this.name = name;
        this.chunks = chunks;
        this.accessCount = accessCount;
        this.pages = pages;
        this.fingerprint = fingerprint;
    }

    static long pack(long guestAddress, int sizeBytes, int operationCode) {
        return (guestAddress << ADDRESS_SHIFT) | ((long) (sizeBytes - 1) << SIZE_SHIFT) | operationCode;
    }

    static long guestAddressOf(long packed) {
        return packed >>> ADDRESS_SHIFT;
    }

    static int sizeOf(long packed) {
        return ((int) (packed >>> SIZE_SHIFT) & SIZE_MASK) + 1;
    }

    static int operationCodeOf(long packed) {
        return (int) packed & 3;
    }

    /** Moves a packed access to another page, keeping its offset there. */
    static long withPage(long packed, int page) {
        long belowPage = (1L << (ADDRESS_SHIFT + PAGE_SHIFT)) - 1;
        return ((long) page << (ADDRESS_SHIFT + PAGE_SHIFT)) | (packed & belowPage);
    }

    static int pageOf(long packed) {
        return (int) (packed >>> (ADDRESS_SHIFT + PAGE_SHIFT));
    }

    /** The chunk that holds accesses {@code index << CHUNK_SHIFT} and on; not to be modified. */
    long[] chunk(int index) {
        return chunks[index];
    }

    private long packed(long position) {
        if (position < 0 || position >= accessCount) {
            throw new IndexOutOfBoundsException("position " + position + " of " + accessCount + " accesses");
        }
        return chunks[(int) (position >>> CHUNK_SHIFT)][(int) position & CHUNK_MASK];
    }

    /** What the trace was loaded from, for people. */
    public String name() {
        return name;
    }

    /** Accesses in the trace, at least 1. */
    public long accessCount() {
        return accessCount;
    }

    /** Distinct pages touched, at least 1. */
    public int pageCount() {
        return pages.length;
    }

    /** Guest memory that the trace needs, in bytes: its pages. */
    public long memoryBytes() {
        return (long) pages.length << PAGE_SHIFT;
    }

    /** What the access at {@code position} does. */
    public Operation operation(long position) {
        return Operation.ofCode(operationCodeOf(packed(position)));
    }

    /** Bytes accessed, 1 to 4096. */
    public int sizeBytes(long position) {
        return sizeOf(packed(position));
    }

    /** Guest address of the first byte; the last byte is below {@link #memoryBytes()} too. */
    public long guestAddress(long position) {
        return guestAddressOf(packed(position));
    }

    /** Address of the first byte as the recorded program used it, unsigned. */
    public long address(long position) {
        long guestAddress = guestAddress(position);
        return (pages[(int) (guestAddress >>> PAGE_SHIFT)] << PAGE_SHIFT) | (guestAddress & (PAGE_BYTES - 1));
    }

    /** Address, as the recorded program used it, of the first byte of a page of guest memory. */
    public long pageAddress(int guestPage) {
        return pages[guestPage] << PAGE_SHIFT;
    }

    /**
     * A 64-bit digest of all accesses in order (operation, address, size), the same for every format the trace is
     * stored in. Traces that differ by accident differ in it; it does not resist malice.
     */
    public long fingerprint() {
        return fingerprint;
    }
}
