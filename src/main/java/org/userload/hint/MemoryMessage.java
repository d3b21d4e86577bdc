package org.userload.hint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.userload.channel.ChannelRefusal;
import org.userload.channel.RefusedFrameException;

/**
 * The messages of port {@value #PORT}, version 1: what guest and host tell each other about memory. Numbers are unsigned, in
 * network byte order; a page has 4096 bytes, and page <i>n</i> lies at guest address <i>4096 n</i>.
 *
 * <pre>
 *   HINT_START, HINT_STOP, HINT_DONE, BALLOON_DONE:   u64 id
 *   BALLOON_TARGET, AVAILABLE:                        u64 pages
 *   RECLAIM, RECLAIMED:                               u64 id, u64 pages
 *   BALLOON_REFUSED:                                  u64 id, why, in UTF-8
 *   INFLATE, DEFLATE, FREE_RANGES:                    u64 id, ranges, at least 1
 *   FREE_BITMAP:   u64 id, u64 first page, u64 pages, u64 words: page first + 64 w + b is free if bit b of word w is set
 *
 *   range: u64    63             20 19           0
 *                 +----------------+-------------+
 *                 |  first page    |  pages - 1  |
 *                 +----------------+-------------+
 * </pre>
 *
 * A range of more than 2^20 pages goes as several. So a range is never empty and never overflows, whatever a guest sends.
 */
public final class MemoryMessage {
    /** The name of the port. */
    public static final String PORT = "org.userload.memory";

    /** The version of these messages. */
    public static final int VERSION = 1;

    /** Host to guest: report free pages, with this id. A report that is under way ends. */
    public static final int HINT_START = 1;

    /** Host to guest: the report with this id is not needed any more. */
    public static final int HINT_STOP = 2;

    /** Host to guest: have so many pages in the balloon. */
    public static final int BALLOON_TARGET = 3;

    /** Host to guest: put what you can spare into the balloon, but keep so many pages available; then say RECLAIMED. */
    public static final int RECLAIM = 4;

    /** Host to guest: the INFLATE or DEFLATE with this id was done. */
    public static final int BALLOON_DONE = 5;

    /** Host to guest: nothing of the INFLATE or DEFLATE with this id was done. */
    public static final int BALLOON_REFUSED = 6;

    /** Guest to host: these pages are free. */
    public static final int FREE_RANGES = 16;

    /** Guest to host: these pages are free, as bits. */
    public static final int FREE_BITMAP = 17;

    /** Guest to host: this was the whole report. */
    public static final int HINT_DONE = 18;

    /** Guest to host: put these pages into the balloon. The id is the guest's own, for the answer. */
    public static final int INFLATE = 19;

    /** Guest to host: give these pages back from the balloon. They are the host's until BALLOON_DONE. */
    public static final int DEFLATE = 20;

    /** Guest to host: so many pages could be given to the balloon without hurting the guest. */
    public static final int AVAILABLE = 21;

    /** Guest to host: what the RECLAIM with this id asked for is done; so many pages are available now. */
    public static final int RECLAIMED = 22;

    /** The base-2 logarithm of the bytes of a page on the wire. */
    public static final int PAGE_SHIFT = 12;

    static final int COUNT_BITS = 20;

    /** Most pages of one range on the wire. */
    static final int MAX_RANGE_PAGES = 1 << COUNT_BITS;

    /** One more than the largest page number on the wire. */
    static final long END_OF_PAGES = 1L << (Long.SIZE - COUNT_BITS);

    static final int ID_OFFSET = 0;
    static final int RANGES_OFFSET = 8;
    static final int FIRST_PAGE_OFFSET = 8;
    static final int PAGES_OFFSET = 16;
    static final int WORDS_OFFSET = 24;

    private MemoryMessage() {}

    /** The body of a message that is one number: an id or a number of pages. */
    static ByteBuffer number(long value) {
        return ByteBuffer.allocate(Long.BYTES).putLong(0, value);
    }

    /** The body of a BALLOON_REFUSED. */
    static ByteBuffer refused(long id, String why) {
        byte[] text = why.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Long.BYTES + text.length)
                .putLong(id)
                .put(text)
                .flip();
    }

    /** Why, of a BALLOON_REFUSED. */
    static String why(ByteBuffer body) {
        return StandardCharsets.UTF_8
                .decode(body.slice(RANGES_OFFSET, body.remaining() - RANGES_OFFSET))
                .toString();
    }

    /** The body of a message of an id and a number of pages. */
    static ByteBuffer idAndPages(long id, long pages) {
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(ID_OFFSET, id).putLong(FIRST_PAGE_OFFSET, pages);
    }

    /** The number of pages behind an id, which {@link #id} reads. */
    static long pagesBehindId(ByteBuffer body) throws RefusedFrameException {
        if (body.remaining() != 2 * Long.BYTES) {
            throw malformed();
        }
        return checkedPages(body.getLong(FIRST_PAGE_OFFSET));
    }

    /** The number of a message that is one number. */
    static long number(ByteBuffer body) throws RefusedFrameException {
        if (body.remaining() != Long.BYTES) {
            throw malformed();
        }
        return body.getLong(0);
    }

    /** As {@link #number(ByteBuffer)}; more pages than there are numbers for are refused. */
    static long pages(ByteBuffer body) throws RefusedFrameException {
        return checkedPages(number(body));
    }

    private static long checkedPages(long pages) throws RefusedFrameException {
        if (pages < 0 || pages > END_OF_PAGES) {
            throw malformed();
        }
        return pages;
    }

    static void checkRange(long first, long pages) {
        if (first < 0 || pages < 1 || first > END_OF_PAGES - pages) {
            throw new IllegalArgumentException("not a range of pages: " + pages + " from page " + first);
        }
    }

    /** @param count 1 to {@link #MAX_RANGE_PAGES} */
    static long range(long first, long count) {
        return first << COUNT_BITS | (count - 1);
    }

    /** Reads the ranges behind the id up to the end of the body; nothing is added if there are none, or a half one. */
    static void ranges(ByteBuffer body, RangeBatch into) throws RefusedFrameException {
        int bytes = body.remaining() - RANGES_OFFSET;
        if (bytes <= 0 || bytes % Long.BYTES != 0) {
            throw malformed();
        }
        for (int at = RANGES_OFFSET; at < RANGES_OFFSET + bytes; at += Long.BYTES) {
            long range = body.getLong(at);
            into.add(range >>> COUNT_BITS, (range & (MAX_RANGE_PAGES - 1)) + 1);
        }
    }

    /** The id of a message that begins with one and has something behind it. */
    static long id(ByteBuffer body) throws RefusedFrameException {
        if (body.remaining() <= RANGES_OFFSET) {
            throw malformed();
        }
        return body.getLong(ID_OFFSET);
    }

    /** The bits of a FREE_BITMAP; refused unless there are as many words as its pages need, and no bit beyond. */
    static FreeBits bits(ByteBuffer body) throws RefusedFrameException {
        int bytes = body.remaining() - WORDS_OFFSET;
        if (bytes <= 0 || bytes % Long.BYTES != 0) {
            throw malformed();
        }
        int words = bytes / Long.BYTES;
        long first = body.getLong(FIRST_PAGE_OFFSET);
        long pages = body.getLong(PAGES_OFFSET);
        boolean fits = pages > (words - 1L) * Long.SIZE && pages <= (long) words * Long.SIZE;
        if (!fits || first < 0 || first > END_OF_PAGES - pages) {
            throw malformed();
        }
        long last = body.getLong(WORDS_OFFSET + bytes - Long.BYTES);
        int used = (int) (pages & (Long.SIZE - 1));
        if (used != 0 && last >>> used != 0) {
            throw malformed();
        }
        return new FreeBits(first, pages, body.slice(WORDS_OFFSET, bytes).asLongBuffer());
    }

    private static RefusedFrameException malformed() {
        return new RefusedFrameException(ChannelRefusal.MALFORMED);
    }
}
