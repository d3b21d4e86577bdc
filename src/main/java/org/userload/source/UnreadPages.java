package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.hint.FreePages;
import org.userload.memory.AtomicBitmap;
import org.userload.protocol.Feature;

/**
 * What a session need not read of its guest's memory: free pages, if the destination takes FREE frames, and pages that
 * the host has dropped, which are zero. Any thread.
 *
 * @param pages of the guest; null when nothing is known of them
 * @param frees whether FREE and RELEASED frames are agreed on
 */
record UnreadPages(@Nullable FreePages pages, boolean frees) {
    /** Every page has to be read. */
    static final UnreadPages NONE = new UnreadPages(null, false);

    /** What is left of it with a destination that offers these features. */
    UnreadPages with(long offered) {
        return new UnreadPages(pages, frees && Feature.FREE.in(offered));
    }

    static UnreadPages of(@Nullable FreePages pages) {
        return pages == null ? NONE : new UnreadPages(pages, true);
    }

    /** The features that it uses. */
    long features() {
        return frees ? Feature.bits(Feature.FREE) : 0;
    }

    /** What each little-endian 8 bytes of a free page hold. */
    long pattern() {
        return pages == null ? 0 : pages.pattern();
    }

    /** How many pages are zero from this one on; 0 when it is not known as such. */
    int zeroFrom(int region, long first, int most) {
        return pages == null ? 0 : (int) pages.emptyFrom(region, first, first + most);
    }

    /** How many pages are free from this one on; 0 when it is not known as such. */
    int freeFrom(int region, long first, int most) {
        return pages == null || !frees ? 0 : (int) pages.freeFrom(region, first, first + most);
    }

    /**
     * How many pages have to be read from this one on, which was not known as anything a moment ago; at least 1, since it may be
     * hinted just now.
     */
    int unknownFrom(int region, long first, int most) {
        if (pages == null || most == 1) {
            return most;
        }
        long end = pages.nextEmpty(region, first + 1, first + most);
        return (int) ((frees ? pages.nextFree(region, first + 1, end) : end) - first);
    }

    /** How many pages of a region are not sent and have to be read. */
    long neededBeside(int region, AtomicBitmap sent) {
        return pages == null || !frees ? sent.countClear() : pages.neededBeside(region, sent);
    }
}
