package org.userload.source;

import io.netty.channel.ChannelHandlerContext;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.transport.PathDelay;

/**
 * When the stream may send, and how much at a time: the socket has room, the {@link StreamWindow} has room, and the {@link
 * BandwidthCap}, when there is one, is paid. Stream loop only.
 */
final class StreamFlow {
    /** Frames written before a flush, so that small runs share system calls. */
    private static final int MOST_FRAMES_PER_FLUSH = 8;

    private final @Nullable BandwidthCap cap;
    private final Runnable goOn;
    private final boolean wholeBlocks;
    private final Runnable waited = this::waited;
    private @Nullable StreamWindow window;
    private @Nullable PathDelay path;
    private boolean urgentPagesMayCome = true;
    private boolean waiting;
    private int unflushedPages;
    private int unflushedFrames;

    /**
     * @param cap the server's limit, or null
     * @param wholeBlocks whether whole huge pages go in one frame where the window is large enough
     * @param goOn called on the stream loop when a limit has been waited for
     */
    StreamFlow(@Nullable BandwidthCap cap, boolean wholeBlocks, Runnable goOn) {
        this.cap = cap;
        this.wholeBlocks = wholeBlocks && cap == null;
        this.goOn = goOn;
    }

    /**
     * The destination takes up to this many pages of content at a time.
     *
     * @param delay of the connection
     */
    void open(int grantedPages, PathDelay delay) {
        path = delay;
        long now = System.nanoTime();
        StreamWindow opened = new StreamWindow(grantedPages, now);
        opened.emptyPath(delay.nanos(), now);
        if (delay.isWithinHost()) {
            opened.isWithinHost();
        }
        opened.leaveRoom(urgentPagesMayCome, now);
        window = opened;
    }

    /** Whether urgent pages may have to pass what is sent from now on. */
    void leaveRoom(boolean mayCome) {
        boolean changes = mayCome != urgentPagesMayCome;
        urgentPagesMayCome = mayCome;
        if (window != null && changes) {
            window.leaveRoom(mayCome, System.nanoTime());
        }
    }

    boolean isOpen() {
        return window != null;
    }

    private StreamWindow window() {
        StreamWindow opened = window;
        if (opened == null) {
            throw new IllegalStateException("the stream has not been started");
        }
        return opened;
    }

    /** Whether to look for another frame now. If not, something will call for it: an acknowledgement, the socket or a timer. */
    boolean hasRoom(ChannelHandlerContext to) {
        StreamWindow mine = window();
        boolean room = mine.hasRoom() || (wholeBlocks && mine.takesBlocks() && mine.hasRoomForBlock());
        if (!to.channel().isWritable() || !room) {
            return false;
        }
        long wait = cap == null ? 0 : cap.waitNanos(System.nanoTime());
        if (wait <= 0) {
            return true;
        }
        if (!waiting) {
            waiting = true;
            to.executor().schedule(waited, wait, TimeUnit.NANOSECONDS);
        }
        return false;
    }

    private void waited() {
        waiting = false;
        goOn.run();
    }

    /**
     * Most pages of content in the next frame.
     *
     * @param first page of the run to be sent, and how many there are of it
     * @return 0 when there is no room at the moment for the frame that should be next
     */
    int framePages(long first, int longest) {
        StreamWindow mine = window();
        if (!wholeBlocks || !mine.takesBlocks()) {
            return mine.hasRoom() ? Math.min(longest, mine.framePages()) : 0;
        }
        int toBorder = StreamDepth.BLOCK_PAGES - (int) (first % StreamDepth.BLOCK_PAGES);
        if (toBorder == StreamDepth.BLOCK_PAGES && longest >= StreamDepth.BLOCK_PAGES) {
            return mine.hasRoomForBlock() ? StreamDepth.BLOCK_PAGES : 0;
        }
        return mine.hasRoom() ? Math.min(longest, Math.min(toBorder, mine.framePages())) : 0;
    }

    /**
     * A frame was written.
     *
     * @param pages pages of content
     * @param bytes all of it
     * @return whether to flush
     */
    boolean sent(int pages, int bytes) {
        long now = System.nanoTime();
        StreamWindow mine = window();
        if (pages > 0) {
            mine.sent(pages, now);
        }
        if (cap != null) {
            cap.charge(bytes, now);
        }
        unflushedPages += pages;
        boolean flush = ++unflushedFrames >= MOST_FRAMES_PER_FLUSH || 4L * unflushedPages >= mine.pages();
        if (flush) {
            unflushedFrames = 0;
            unflushedPages = 0;
        }
        return flush;
    }

    /** Pages of content that are sent and not acknowledged. */
    long onTheirWay() {
        StreamWindow opened = window;
        return opened == null ? 0 : opened.onTheirWay();
    }

    /** At most as many as are on their way. */
    void acknowledged(int pages) {
        long pathNanos = path == null ? PathDelay.UNKNOWN : path.nanos();
        window().acknowledged(pages, pathNanos, System.nanoTime());
    }
}
