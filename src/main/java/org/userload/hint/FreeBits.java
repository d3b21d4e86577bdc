package org.userload.hint;

import java.nio.LongBuffer;

/**
 * Which of some consecutive pages are free: bit <i>b</i> of word <i>w</i> belongs to page <i>first + 64 w + b</i>, and no bit
 * behind the last page is set. Valid as long as the message that it is part of.
 *
 * @param first page, not negative
 * @param pages at least 1, as many as the words need
 * @param words from index 0 to the limit
 */
public record FreeBits(long first, long pages, LongBuffer words) {
    /** Gets free pages as runs. */
    @FunctionalInterface
    public interface RunSink {
        void run(long first, long count);
    }

    /** Gives the runs of free pages, as long as possible, in order. Words that are all free or all used cost next to nothing. */
    public void forEachRun(RunSink sink) {
        long runFirst = -1;
        int count = words.limit();
        for (int w = 0; w < count; w++) {
            long word = words.get(w);
            if (runFirst < 0 ? word == 0 : word == -1L) {
                continue;
            }
            long base = first + (long) w * Long.SIZE;
            int bit = 0;
            while (bit < Long.SIZE) {
                // In a run the next clear bit is looked for, outside of one the next set bit.
                long ahead = (runFirst < 0 ? word : ~word) >>> bit;
                if (ahead == 0) {
                    break;
                }
                bit += Long.numberOfTrailingZeros(ahead);
                if (runFirst < 0) {
                    runFirst = base + bit;
                } else {
                    sink.run(runFirst, base + bit - runFirst);
                    runFirst = -1;
                }
            }
        }
        if (runFirst >= 0) {
            sink.run(runFirst, first + pages - runFirst);
        }
    }
}
