package org.userload.pack;

import java.nio.ByteBuffer;

/**
 * What has changed in a page, as runs of new bytes between runs of bytes that stayed the same. Each pair of runs is
 *
 * <pre>
 *   varint: bytes that stayed | varint: bytes that changed, at least 1 | the changed bytes
 * </pre>
 *
 * and whatever follows the last pair stayed. A varint is seven bits to a byte, the lowest first, the top bit set on all
 * but the last (LEB128). A page that is the same is a delta of no bytes.
 *
 * <p>This is the form of XBZRLE (Svärd, Hudzia, Tordsson, Elmroth: Evaluation of delta compression techniques for
 * efficient live migration of large virtual machines, VEE 2011; QEMU, {@code migration/xbzrle.c}). It is measured beside
 * zstd with the old page as dictionary in {@code docs/performance.md}.
 */
public final class PageDelta {
    /** Fewer equal bytes than this between changed ones are sent along: two more varints would cost as much. */
    private static final int SHORTEST_GAP = 4;

    private static final int MAX_VARINT_BYTES = 5;

    private PageDelta() {}

    /**
     * Writes what turns one page into another. All buffers are big-endian.
     *
     * @param most bytes that the delta may have
     * @return its bytes, or -1 when it would have more than {@code most}; the output is undefined then
     */
    public static int encode(
            ByteBuffer old, int oldAt, ByteBuffer now, int nowAt, int pageBytes, ByteBuffer out, int outAt, int most) {
        int end = outAt + most;
        int to = outAt;
        int at = 0;
        while (true) {
            int first = firstDifference(old, oldAt, now, nowAt, at, pageBytes);
            if (first == pageBytes) {
                return to - outAt;
            }
            int stop = endOfChange(old, oldAt, now, nowAt, first, pageBytes);
            int changed = stop - first;
            if (to + varintBytes(first - at) + varintBytes(changed) + changed > end) {
                return -1;
            }
            to = putVarint(out, to, first - at);
            to = putVarint(out, to, changed);
            out.put(to, now, nowAt + first, changed);
            to += changed;
            at = stop;
        }
    }

    private static int firstDifference(ByteBuffer old, int oldAt, ByteBuffer now, int nowAt, int from, int end) {
        int at = from;
        while (at <= end - Long.BYTES) {
            long difference = old.getLong(oldAt + at) ^ now.getLong(nowAt + at);
            if (difference != 0) {
                return at + (Long.numberOfLeadingZeros(difference) >>> 3);
            }
            at += Long.BYTES;
        }
        while (at < end && old.get(oldAt + at) == now.get(nowAt + at)) {
            at++;
        }
        return at;
    }

    /** The end of the changed bytes that begin at {@code from}, with gaps that are too short to be worth a pair. */
    private static int endOfChange(ByteBuffer old, int oldAt, ByteBuffer now, int nowAt, int from, int end) {
        int same = 0;
        int at = from + 1;
        while (at < end && same < SHORTEST_GAP) {
            same = old.get(oldAt + at) == now.get(nowAt + at) ? same + 1 : 0;
            at++;
        }
        return at - same;
    }

    /**
     * Changes a page as a delta says.
     *
     * @param page holds the old content at {@code pageAt}, then the new one; undefined when it throws
     * @throws CorruptPageException when the delta is cut off or goes beyond the page; nothing outside it is written
     */
    public static void apply(
            ByteBuffer delta, int deltaAt, int deltaBytes, ByteBuffer page, int pageAt, int pageBytes) {
        int end = deltaAt + deltaBytes;
        int from = deltaAt;
        int at = 0;
        while (from < end) {
            int same = varint(delta, from, end);
            from += varintBytes(same);
            int changed = varint(delta, from, end);
            from += varintBytes(changed);
            if (changed < 1 || same > pageBytes - at || changed > pageBytes - at - same || changed > end - from) {
                throw new CorruptPageException("its delta leaves the page or is cut off after " + at + " bytes");
            }
            at += same;
            page.put(pageAt + at, delta, from, changed);
            at += changed;
            from += changed;
        }
    }

    /** Bytes of a number as a varint. */
    public static int varintBytes(int value) {
        return value == 0 ? 1 : (38 - Integer.numberOfLeadingZeros(value)) / 7;
    }

    /** Writes a varint of a number that is not negative; gives the index after it. */
    public static int putVarint(ByteBuffer out, int at, int value) {
        int rest = value;
        int to = at;
        while (rest >= 0x80) {
            out.put(to++, (byte) (rest | 0x80));
            rest >>>= 7;
        }
        out.put(to++, (byte) rest);
        return to;
    }

    /**
     * Reads a varint in its shortest form, so that {@link #varintBytes} tells where it ends.
     *
     * @throws CorruptPageException when it is cut off, longer than it need be, or above 2^31 - 1
     */
    public static int varint(ByteBuffer in, int at, int end) {
        long value = 0;
        for (int i = 0; i < MAX_VARINT_BYTES && at + i < end; i++) {
            byte next = in.get(at + i);
            value |= (next & 0x7FL) << (7 * i);
            if (next >= 0) {
                if (value > Integer.MAX_VALUE || (next == 0 && i > 0)) {
                    break;
                }
                return (int) value;
            }
        }
        throw new CorruptPageException("a length in its delta is cut off or out of range");
    }
}
