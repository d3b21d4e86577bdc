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
    private final Runnable waited = this::waited;
    private @Nullable StreamWindow window;
    private @Nullable PathDelay path;
    private boolean urgentPagesMayCome = true;
    private boolean waiting;
    private int unflushedPages;
    private int unflushedFrames;

    /**
     * @param cap the server's limit, or null
     * @param goOn called on the stream loop when a limit has been waited for
     */
    StreamFlow(@Nullable BandwidthCap cap, Runnable goOn) {
        this.cap = cap;
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

    /** Whether to send another frame now. If not, something will call for it: an acknowledgement, the socket or a timer. */
    boolean hasRoom(ChannelHandlerContext to) {
        StreamWindow mine = window();
        if (!to.channel().isWritable() || !mine.hasRoom()) {
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

    /** Most pages of content in the next frame. */
    int framePages() {
        return window().framePages();
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
