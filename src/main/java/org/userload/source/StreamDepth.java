package org.userload.source;

import org.userload.protocol.FrameLayout;

/** How deep the stream fills a link, and in what pieces: the numbers behind its window, for who wants to foretell it. */
public final class StreamDepth {
    /** Fewer than two pages on their way and the link would be idle for each acknowledgement's way. */
    public static final int LEAST_PAGES = 2;

    /** With so many on their way the stream starts; they double each round trip until the link is full. */
    public static final int FIRST_PAGES = 4;

    /** 16 MiB: as many zero pages go in one frame, and a source may have to look at each of them first. */
    public static final int LONGEST_RUN_PAGES = 4096;

    /** How long an urgent page may have to wait behind the stream, apart from the frame that is being sent. */
    static final long QUEUE_NANOS = 250_000;

    /** 64 KiB of 4 KiB pages in a frame: large enough for full speed, small enough to install at once. */
    static final int MOST_PAGES_PER_FRAME = 16;

    /** A huge page, in one frame where the way is so fast that an urgent page does not wait long behind it. */
    public static final int BLOCK_PAGES = FrameLayout.MAX_PAGES_PER_FRAME;

    /** Within a host: one block is received while the next is on its way. They are not meant for the cache. */
    static final int BLOCK_WINDOW_PAGES = 2 * BLOCK_PAGES;

    /** A window is at least this many frames, so that one is acknowledged while others are on their way. */
    private static final int FRAMES_PER_WINDOW = 8;

    private StreamDepth() {}

    /** The delay that the stream may cause on a link with this round trip. */
    public static long queueNanos(long roundTripNanos) {
        return Math.max(QUEUE_NANOS, roundTripNanos / 4);
    }

    /** Most pages of a frame while this many pages may be on their way. */
    public static int framePages(int windowPages) {
        return Math.max(1, Math.min(MOST_PAGES_PER_FRAME, windowPages / FRAMES_PER_WINDOW));
    }

    /** Whether whole huge pages go in one frame while this many pages may be on their way on a link. */
    static boolean takesBlocks(int windowPages) {
        return windowPages / FRAMES_PER_WINDOW >= BLOCK_PAGES;
    }
}
