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

    private static final int MOST_RANGES = (ChannelLayout.MAX_BODY_BYTES - MemoryMessage.RANGES_OFFSET) / Long.BYTES;

    private final Sender sender;
    private final boolean mayTurnIntoBits;

    /** A message of ranges under way. */
    private final ByteBuffer ranges = ByteBuffer.allocateDirect(ChannelLayout.MAX_BODY_BYTES);

    private final ByteBuffer bits = ByteBuffer.allocateDirect(ChannelLayout.MAX_BODY_BYTES);
    private int count;
    private long end;
    private boolean ascending;
    private boolean wanted = true;

    HintWriter(long id, Sender sender, boolean mayTurnIntoBits) {
        this.sender = sender;
        this.mayTurnIntoBits = mayTurnIntoBits;
        ranges.putLong(MemoryMessage.ID_OFFSET, id);
        bits.putLong(MemoryMessage.ID_OFFSET, id);
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
        for (long at = first; wanted && at < first + pages; at += MemoryMessage.MAX_RANGE_PAGES) {
            append(at, Math.min(MemoryMessage.MAX_RANGE_PAGES, first + pages - at));
        }
        return wanted;
    }

    private void append(long first, long pages) throws InterruptedException {
        ascending = count == 0 || (ascending && first >= end);
        end = first + pages;
        ranges.putLong(MemoryMessage.RANGES_OFFSET + count * Long.BYTES, MemoryMessage.range(first, pages));
        count++;
        if (count == MOST_RANGES) {
            flush();
        }
    }

    /**
     * Pages whose bits are set are free.
     *
     * @param first page of the lowest bit of the first word, in pages of 4096 bytes from guest address 0
     * @param words of the bitmap
     * @param from index of the first word
     * @param to index behind the last word, above {@code from}
     * @return whether the report is still wanted; if not, the rest need not be given
     */
    public boolean bits(long first, long[] words, int from, int to) throws InterruptedException {
        MemoryMessage.checkRange(first, (long) (to - from) * Long.SIZE);
        flush();
        for (int at = from; wanted && at < to; at += MOST_WORDS) {
            int length = Math.min(MOST_WORDS, to - at);
            bits.clear().position(MemoryMessage.WORDS_OFFSET);
            bits.asLongBuffer().put(words, at, length);
            sendBits(first + (long) (at - from) * Long.SIZE, (long) length * Long.SIZE);
        }
        return wanted;
    }

    private void sendBits(long first, long pages) throws InterruptedException {
        bits.putLong(MemoryMessage.FIRST_PAGE_OFFSET, first);
        bits.putLong(MemoryMessage.PAGES_OFFSET, pages);
        long words = (pages + Long.SIZE - 1) / Long.SIZE;
        bits.position(0).limit(MemoryMessage.WORDS_OFFSET + (int) words * Long.BYTES);
        wanted = sender.send(MemoryMessage.FREE_BITMAP, bits);
        bits.clear();
    }

    /** Sends what has not been sent; gives whether the report is still wanted. */
    boolean flush() throws InterruptedException {
        if (count > 0 && wanted) {
            long first = ranges.getLong(MemoryMessage.RANGES_OFFSET) >>> MemoryMessage.COUNT_BITS;
            long words = (end - first + Long.SIZE - 1) / Long.SIZE;
            if (mayTurnIntoBits && ascending && words + 1 < count) {
                asBits(first);
            } else {
                ranges.position(0).limit(MemoryMessage.RANGES_OFFSET + count * Long.BYTES);
                wanted = sender.send(MemoryMessage.FREE_RANGES, ranges);
                ranges.clear();
            }
        }
        count = 0;
        return wanted;
    }

    /** Fewer words than ranges, so they fit into a message. */
    private void asBits(long first) throws InterruptedException {
        int at = MemoryMessage.WORDS_OFFSET;
        int wordIndex = 0;
        long word = 0;
        for (int i = 0; i < count; i++) {
            long range = ranges.getLong(MemoryMessage.RANGES_OFFSET + i * Long.BYTES);
            long from = (range >>> MemoryMessage.COUNT_BITS) - first;
            long to = from + (range & (MemoryMessage.MAX_RANGE_PAGES - 1)) + 1;
            while (from < to) {
                int index = (int) (from >>> 6);
                while (wordIndex < index) {
                    bits.putLong(at + wordIndex * Long.BYTES, word);
                    word = 0;
                    wordIndex++;
                }
                long endOfWord = Math.min(to, (index + 1L) * Long.SIZE);
                word |= -1L >>> (Long.SIZE - (endOfWord - from)) << from;
                from = endOfWord;
            }
        }
        bits.putLong(at + wordIndex * Long.BYTES, word);
        sendBits(first, end - first);
    }
}
