package org.userload.hint;

import java.nio.ByteBuffer;
import org.userload.channel.ChannelLayout;

/**
 * Puts free pages into as few messages as there can be, as ranges or as bits, and sends them. For one thread, for one report.
 *
 * <p>Ranges that are given in ascending order and lie close together go as bits when that is shorter.
 */
public final class HintWriter {
    /** Sends a message; gives whether the report is still wanted. */
    @FunctionalInterface
    interface Sender {
        boolean send(int type, ByteBuffer body) throws InterruptedException;
    }

    /** Bits of the longest message, whole words. */
    private static final int MOST_WORDS = (ChannelLayout.MAX_BODY_BYTES - MemoryMessage.WORDS_OFFSET) / Long.BYTES;

    /** What a message of bits has beyond one of ranges. */
    private static final int BITS_HEADER_WORDS =
            (MemoryMessage.WORDS_OFFSET - MemoryMessage.RANGES_OFFSET) / Long.BYTES;

    private static final int MOST_RANGES = (ChannelLayout.MAX_BODY_BYTES - MemoryMessage.RANGES_OFFSET) / Long.BYTES;

    private final Sender sender;
    private final boolean mayTurnIntoBits;

    private final ByteBuffer body = ByteBuffer.allocateDirect(ChannelLayout.MAX_BODY_BYTES);

    /** Ranges that have not been sent, as they go on the wire. */
    private final long[] ranges = new long[MOST_RANGES];

    /** Where ranges turn into bits. */
    private final long[] words = new long[MOST_WORDS];

    private int count;
    private long end;
    private boolean ascending;
    private boolean wanted = true;

    HintWriter(long id, Sender sender, boolean mayTurnIntoBits) {
        this.sender = sender;
        this.mayTurnIntoBits = mayTurnIntoBits;
        body.putLong(MemoryMessage.ID_OFFSET, id);
    }

    /**
     * These pages are free. In pages of 4096 bytes from guest address 0.
     *
     * @param first 0 to 2^44 - 1
     * @param pages at least 1, the last one at most 2^44 - 1
     * @return whether the report is still wanted; if not, the rest need not be given
     */
    public boolean range(long first, long pages) throws InterruptedException {
        MemoryMessage.checkRange(first, pages);
        long at = first;
        for (long left = pages; wanted && left > 0; left -= MemoryMessage.MAX_RANGE_PAGES) {
            append(at, Math.min(MemoryMessage.MAX_RANGE_PAGES, left));
            at += MemoryMessage.MAX_RANGE_PAGES;
        }
        return wanted;
    }

    private void append(long first, long pages) throws InterruptedException {
        ascending = count == 0 || (ascending && first >= end);
        end = first + pages;
        ranges[count++] = MemoryMessage.range(first, pages);
        if (count == MOST_RANGES) {
            flush();
        }
    }

    /**
     * Pages whose bits are set are free.
     *
     * @param first page of the lowest bit of the first word, in pages of 4096 bytes from guest address 0
     * @param bitmap words; bit <i>b</i> of a word is that of its page <i>b</i>
     * @param from index of the first word
     * @param to index behind the last word, above {@code from}
     * @return whether the report is still wanted; if not, the rest need not be given
     */
    public boolean bits(long first, long[] bitmap, int from, int to) throws InterruptedException {
        MemoryMessage.checkRange(first, (long) (to - from) * Long.SIZE);
        flush();
        for (int at = from; wanted && at < to; at += MOST_WORDS) {
            int length = Math.min(MOST_WORDS, to - at);
            sendBits(first + (long) (at - from) * Long.SIZE, (long) length * Long.SIZE, bitmap, at, length);
        }
        return wanted;
    }

    private void sendBits(long first, long pages, long[] from, int at, int length) throws InterruptedException {
        body.putLong(MemoryMessage.FIRST_PAGE_OFFSET, first);
        body.putLong(MemoryMessage.PAGES_OFFSET, pages);
        send(MemoryMessage.FREE_BITMAP, MemoryMessage.WORDS_OFFSET, from, at, length);
    }

    private void send(int type, int offset, long[] from, int at, int length) throws InterruptedException {
        body.clear().position(offset);
        body.asLongBuffer().put(from, at, length);
        body.position(0).limit(offset + length * Long.BYTES);
        wanted = sender.send(type, body);
        body.clear();
    }

    /** Sends what has not been sent; gives whether the report is still wanted. */
    boolean flush() throws InterruptedException {
        if (count > 0 && wanted) {
            long first = ranges[0] >>> MemoryMessage.COUNT_BITS;
            long needed = (end - first + Long.SIZE - 1) / Long.SIZE;
            if (mayTurnIntoBits && ascending && needed + BITS_HEADER_WORDS < count) {
                toWords(first);
                sendBits(first, end - first, words, 0, (int) needed);
            } else {
                send(MemoryMessage.FREE_RANGES, MemoryMessage.RANGES_OFFSET, ranges, 0, count);
            }
        }
        count = 0;
        return wanted;
    }

    /** Puts the ranges, which ascend, into the words; there are fewer words than ranges, so they fit. */
    private void toWords(long first) {
        int index = 0;
        long word = 0;
        for (int i = 0; i < count; i++) {
            long from = (ranges[i] >>> MemoryMessage.COUNT_BITS) - first;
            long to = from + (ranges[i] & (MemoryMessage.MAX_RANGE_PAGES - 1)) + 1;
            while (from < to) {
                int indexOfPage = (int) (from / Long.SIZE);
                while (index < indexOfPage) {
                    words[index++] = word;
                    word = 0;
                }
                long endInWord = Math.min(to, (index + 1L) * Long.SIZE);
                word |= -1L >>> (Long.SIZE - (endInWord - from)) << from;
                from = endInWord;
            }
        }
        words[index] = word;
    }
}
