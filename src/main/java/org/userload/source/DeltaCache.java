package org.userload.source;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.userload.linux.Mapping;
import org.userload.memory.RegionTable;

/**
 * The content that was last sent of some pages, so that only what has changed since need be sent again.
 *
 * <p>A page has one slot where it can be: its number modulo the number of slots, so that neighbours do not push each
 * other out. In the first round, which sends everything, a page takes its slot only if it is empty; later a page takes
 * it from another that has not been sent in this round or the one before. (QEMU's cache for XBZRLE does the same,
 * {@code migration/page_cache.c}: direct-mapped, pages younger than two rounds stay.)
 *
 * <p><b>Never a version that the destination does not have.</b> A page in the cache has the content of the last frame
 * that was written for it to this stream:
 * <ul>
 *   <li>It is stored from the same bytes that the frame is made of. The guest may write meanwhile; what is sent and what
 *       is kept cannot differ.
 *   <li>Every frame for it, in whatever form, {@link #store stores} its content or {@link #forget forgets} it.
 *   <li>The stream is FIFO and nothing is lost on it, so when a delta arrives, the frame before it is in place. Nothing
 *       else writes there: the guest does not run at the destination in rounds, and nothing is served on demand.
 *   <li>It belongs to one connection and ends with it, and it is emptied before pages are called back (DISCARD) and
 *       before the last pass, which runs beside the guest at the destination.
 * </ul>
 *
 * <p>The content lies outside the heap, and memory is taken as slots are used. Stream loop only.
 */
final class DeltaCache implements AutoCloseable {
    private static final int SEGMENT_SHIFT = 30;
    private static final long EMPTY = -1;

    /** A page that was sent in this round or this many before is not pushed out. */
    private static final int KEPT_ROUNDS = 1;

    private final int pageShift;
    private final long[] firstPageOfRegion;
    private final Mapping mapping;
    private final ByteBuffer[] segments;
    private final long[] pageOfSlot;
    private final int[] roundOfSlot;
    private int round;

    /** @param bytes most memory, at least a page */
    DeltaCache(RegionTable table, long bytes) {
        this.pageShift = table.pageSize().shift();
        long slots = Math.min(Math.min(bytes >>> pageShift, table.totalPages()), Integer.MAX_VALUE - 8);
        if (slots < 1) {
            throw new IllegalArgumentException("a delta cache holds at least a page, not " + bytes + " bytes");
        }
        this.firstPageOfRegion = firstPages(table.entries());
        this.pageOfSlot = new long[(int) slots];
        this.roundOfSlot = new int[(int) slots];
        Arrays.fill(pageOfSlot, EMPTY);
        this.mapping = Mapping.anonymous(slots << pageShift);
        this.segments = new ByteBuffer[(int) (((slots << pageShift) + (1L << SEGMENT_SHIFT) - 1) >>> SEGMENT_SHIFT)];
        for (int i = 0; i < segments.length; i++) {
            long offset = (long) i << SEGMENT_SHIFT;
            int size = (int) Math.min(1L << SEGMENT_SHIFT, mapping.length() - offset);
            segments[i] = mapping.buffer(offset, size).order(ByteOrder.BIG_ENDIAN);
        }
    }

    private static long[] firstPages(List<RegionTable.Entry> entries) {
        long[] firsts = new long[entries.size()];
        for (int i = 1; i < firsts.length; i++) {
            firsts[i] = firsts[i - 1] + entries.get(i - 1).pageCount();
        }
        return firsts;
    }

    /** Another round begins; the first one, too. */
    void beginRound() {
        round++;
    }

    /** Whether the round is one that sends pages again. */
    boolean isLaterRound() {
        return round > 1;
    }

    /** The slot that holds a page, or -1. */
    int find(int region, long page) {
        long number = firstPageOfRegion[region] + page;
        int slot = slotOf(number);
        return pageOfSlot[slot] == number ? slot : -1;
    }

    /** The buffer with the content of a slot; where in it is {@link #offsetOf}. */
    ByteBuffer bufferOf(int slot) {
        return segments[(int) (((long) slot << pageShift) >>> SEGMENT_SHIFT)];
    }

    int offsetOf(int slot) {
        return (int) (((long) slot << pageShift) & ((1L << SEGMENT_SHIFT) - 1));
    }

    /** Keeps what is being sent of a page, if its slot may be taken; if it was there, it is replaced in any case. */
    void store(int region, long page, ByteBuffer content, int at) {
        long number = firstPageOfRegion[region] + page;
        int slot = slotOf(number);
        long holds = pageOfSlot[slot];
        if (holds != number && holds != EMPTY && (!isLaterRound() || roundOfSlot[slot] + KEPT_ROUNDS >= round)) {
            return;
        }
        bufferOf(slot).put(offsetOf(slot), content, at, 1 << pageShift);
        pageOfSlot[slot] = number;
        roundOfSlot[slot] = round;
    }

    /** Pages are being sent in a form that is not kept. */
    void forget(int region, long firstPage, int count) {
        for (int i = 0; i < count; i++) {
            int slot = find(region, firstPage + i);
            if (slot >= 0) {
                pageOfSlot[slot] = EMPTY;
            }
        }
    }

    private int slotOf(long number) {
        return (int) (number % pageOfSlot.length);
    }

    /** Frees the memory. Idempotent. Holds nothing from then on, and must not be stored to. */
    @Override
    public void close() {
        Arrays.fill(pageOfSlot, EMPTY);
        mapping.close();
    }
}
