package org.userload.source;

/**
 * How many pages the stream may have on its way, so that the link is full and yet has little in front of an urgent page.
 *
 * <p><b>The rule.</b> What is on its way is the rate times the delay (Little's law), so on a full link a window that is
 * changed by a factor changes the delay by the same factor. The delay wanted is that of the empty link and a queue as short as
 * {@link StreamDepth#queueNanos}; after each interval the window becomes <i>window × wanted / measured</i>, at most
 * twice and at least half of what it was. It grows only when it had been full. A delay that the stream may cause is the idea of
 * LEDBAT (RFC 6817); here it is far shorter. Measured is the {@link StandingDelay}, of two things:
 *
 * <ul>
 *   <li><b>The path</b>, as the transport tells it ({@link org.userload.transport.PathDelay}): only this shows what an
 *       urgent page would wait behind.
 *   <li><b>Acknowledgements</b>, which the threads at both ends delay, too. As long as the path shows no queue, they lower the
 *       window only to {@value #SHALLOW_PAGES} pages: more than that is of no use to a thread that comes in time, since it falls
 *       out of the cache, but with less one that is late would leave the link idle. Where the transport does not tell
 *       of the path, acknowledgements decide alone.
 * </ul>
 *
 * <p><b>The delay of the empty link</b> is the least that was seen. A stream that always keeps a queue never sees an empty link
 * again, so each {@value #BASE_LASTS_NANOS} ns the window is lowered until the queue has gone, and the base is taken
 * anew (ProbeRTT of BBR: Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14.5, 2016). If there is a long
 * delay although the window cannot be less, it is not the stream's: it is the base from then on, in doubt, that is, to be taken
 * anew after {@value #DOUBT_LASTS_NANOS} ns, then in twice the time each time it was found so again.
 *
 * <p><b>Start-up</b> is slow start: intervals of one round trip, until there is a queue (Ha and Rhee, "Hybrid Slow Start",
 * 2008).
 *
 * <p>Counts are pages of content; zero runs take no room. Times are of {@link System#nanoTime()}. One thread.
 */
final class StreamWindow {
    /** After this the base is taken anew. */
    static final long BASE_LASTS_NANOS = 5_000_000_000L;

    /** 512 KiB of 4 KiB pages. */
    static final int SHALLOW_PAGES = 128;

    private static final long DOUBT_LASTS_NANOS = 250_000_000;

    /** Long enough for some frame to be acknowledged in time although threads share the CPUs. */
    private static final long INTERVAL_NANOS = 10_000_000;

    /** Where that is longer, an interval is this many round trips. */
    private static final int INTERVAL_ROUND_TRIPS = 4;

    /** Fewer measurements do not end an interval. */
    private static final int LEAST_FRAMES_PER_INTERVAL = 4;

    private static final int LEAST_FRAMES_OF_DRAIN = 2;

    /** The window changes by this factor in an interval at most. */
    private static final double MOST_CHANGE = 2;

    /** Part of what an empty link holds that is on its way while the queue drains. */
    private static final double DRAINED = 0.75;

    private final int grantedPages;
    private final FramesOnTheirWay frames = new FramesOnTheirWay();
    private final StandingDelay path = new StandingDelay(false);
    private final StandingDelay acknowledgements = new StandingDelay(true);

    private int windowPages = StreamDepth.FIRST_PAGES;

    /** What the window would be by what was measured while it was all that was granted; 0 if nothing was. */
    private int foreseenPages;

    private long sentPages;
    private long acknowledgedPages;
    private boolean leavesRoom = true;
    private boolean hasLink = true;

    private boolean startingUp = true;
    private long intervalSince;
    private int intervalFrames;
    private boolean intervalWasFull;

    /** Pages that will have been sent before the link holds as much as the window lets it: what comes after them is measured. */
    private long intervalAfterPages;

    private long baseLastsNanos = BASE_LASTS_NANOS;
    private boolean draining;
    private int drainedWindowPages;

    /** @param grantedPages most pages that the destination wants on their way, at least 1 */
    StreamWindow(int grantedPages, long now) {
        this.grantedPages = grantedPages;
        this.intervalSince = now;
    }

    /**
     * Whether urgent pages may have to pass. While none can come, as long as the guest does not run at the destination, the
     * window is all that was granted: a link is full then, however late a thread gets its turn. Where there is no link, that
     * would only be more than the cache holds. What was measured meanwhile makes the window that follows.
     */
    void leaveRoom(boolean urgentPagesMayCome, long now) {
        if (urgentPagesMayCome && !isRuled() && foreseenPages > 0) {
            windowPages = within(foreseenPages);
            startingUp = false;
        }
        leavesRoom = urgentPagesMayCome;
        foreseenPages = 0;
        beginInterval(now);
    }

    /** What the path takes while the stream has sent nothing; negative if the transport does not tell. */
    void emptyPath(long pathNanos, long now) {
        if (pathNanos >= 0) {
            path.measured(pathNanos, now);
        }
    }

    /** There is no link: nothing can be overfilled, and no slow start is needed. Before anything is sent. */
    void isWithinHost() {
        hasLink = false;
        windowPages = within(SHALLOW_PAGES);
    }

    /** Pages that may be on their way, all together. */
    int pages() {
        if (!isRuled()) {
            return grantedPages;
        }
        return Math.min(grantedPages, draining ? Math.min(windowPages, drainedWindowPages) : windowPages);
    }

    /** Most pages of the next frame. */
    int framePages() {
        return StreamDepth.framePages(pages());
    }

    /** Whether whole huge pages may go in one frame. */
    boolean takesBlocks() {
        return hasLink ? StreamDepth.takesBlocks(pages()) : grantedPages >= StreamDepth.BLOCK_WINDOW_PAGES;
    }

    /** Whether such a frame may be sent. Within a host what is on its way may be more than fits the cache then. */
    boolean hasRoomForBlock() {
        int most = hasLink ? pages() : StreamDepth.BLOCK_WINDOW_PAGES;
        boolean room = onTheirWay() + StreamDepth.BLOCK_PAGES <= most;
        intervalWasFull |= !room;
        return room;
    }

    /** Pages sent and not acknowledged. */
    long onTheirWay() {
        return sentPages - acknowledgedPages;
    }

    /** Whether another frame may be sent. */
    boolean hasRoom() {
        boolean room = onTheirWay() + framePages() <= pages();
        intervalWasFull |= !room;
        return room;
    }

    /** A frame of content was sent. */
    void sent(int pages, long now) {
        sentPages += pages;
        frames.add(sentPages, now);
    }

    /**
     * Pages were acknowledged.
     *
     * @param pages at most as many as are on their way
     * @param pathNanos what bytes sent now take to the peer and back, as the transport tells it; negative if it does not
     */
    void acknowledged(int pages, long pathNanos, long now) {
        acknowledgedPages += pages;
        boolean measured = false;
        while (frames.isFirstWithin(acknowledgedPages)) {
            boolean ofThisInterval = frames.firstLastPage() > intervalAfterPages;
            long sentAt = frames.removeFirst();
            if (ofThisInterval) {
                acknowledgements.measured(now - sentAt, now);
                intervalFrames++;
                measured = true;
            }
        }
        if (measured && pathNanos >= 0) {
            path.measured(pathNanos, now);
        }
        if (measured) {
            adapt(now);
        }
    }

    /** Whether the window is less than what was granted. */
    private boolean isRuled() {
        return leavesRoom || !hasLink;
    }

    private void adapt(long now) {
        if (!isRuled()) {
            foresee(now);
        } else if (draining) {
            if (intervalFrames >= LEAST_FRAMES_OF_DRAIN) {
                endDrain(now);
            }
        } else if (isIntervalOver(now)) {
            if (intervalWasFull) {
                change(now);
            }
            beginInterval(now);
        } else if (governing().baseAgeNanos(now) > baseLastsNanos) {
            beginToDrain(now);
        }
    }

    /** While the window is not ruled: what it would be. */
    private void foresee(long now) {
        if (isFullyMeasured(now)) {
            if (intervalWasFull) {
                foreseenPages = (int) (grantedPages * governing().wantedOverMeasured());
            }
            beginInterval(now);
        }
    }

    /** What tells of the link. */
    private StandingDelay governing() {
        return path.isKnown() ? path : acknowledgements;
    }

    private boolean isIntervalOver(long now) {
        return startingUp || isFullyMeasured(now);
    }

    private boolean isFullyMeasured(long now) {
        long lasts = Math.max(INTERVAL_NANOS, INTERVAL_ROUND_TRIPS * acknowledgements.baseNanos());
        return intervalFrames >= LEAST_FRAMES_PER_INTERVAL && now - intervalSince >= lasts;
    }

    private void beginInterval(long now) {
        intervalSince = now;
        intervalAfterPages = startingUp ? sentPages : sentPages + pages();
        intervalFrames = 0;
        intervalWasFull = false;
        path.beginInterval();
        acknowledgements.beginInterval();
    }

    private void change(long now) {
        if (!startingUp && windowPages <= StreamDepth.LEAST_PAGES && governing().isLongQueue()) {
            governing().rebase(now);
            baseLastsNanos = DOUBT_LASTS_NANOS;
            startingUp = true;
            return;
        }
        int changed = changed(acknowledgements);
        if (path.isKnown()) {
            changed = Math.min(changed(path), Math.max(changed, SHALLOW_PAGES));
        }
        startingUp &= changed >= MOST_CHANGE * windowPages;
        windowPages = within(changed);
    }

    private int within(int pages) {
        return Math.max(StreamDepth.LEAST_PAGES, Math.min(grantedPages, pages));
    }

    private int changed(StandingDelay by) {
        double change = by.wantedOverMeasured();
        if (startingUp && change >= 1) {
            change = MOST_CHANGE;
        }
        change = Math.max(1 / MOST_CHANGE, Math.min(MOST_CHANGE, change));
        return (int) (windowPages * change) + (by.isNoQueue() ? 1 : 0);
    }

    private void beginToDrain(long now) {
        StandingDelay link = governing();
        boolean inDoubt = baseLastsNanos < BASE_LASTS_NANOS;
        double emptyPart = (double) link.baseNanos() / Math.max(1, link.nanos());
        drainedWindowPages = inDoubt ? 1 : (int) Math.max(1, DRAINED * windowPages * emptyPart);
        draining = true;
        beginInterval(now);
    }

    /** What was sent after the queue had drained is measured. */
    private void endDrain(long now) {
        draining = false;
        startingUp = acknowledgements.nanos() > MOST_CHANGE * acknowledgements.baseNanos();
        path.rebase(now);
        acknowledgements.rebase(now);
        baseLastsNanos = Math.min(BASE_LASTS_NANOS, 2 * baseLastsNanos);
        beginInterval(now);
    }

    /** When frames were sent. As many as fit; the others are not measured. */
    private static final class FramesOnTheirWay {
        private static final int MOST = 256;

        private final long[] lastPage = new long[MOST];
        private final long[] sentAt = new long[MOST];
        private int first;
        private int count;

        void add(long last, long now) {
            if (count < MOST) {
                int at = (first + count++) % MOST;
                lastPage[at] = last;
                sentAt[at] = now;
            }
        }

        boolean isFirstWithin(long acknowledged) {
            return count > 0 && lastPage[first] <= acknowledged;
        }

        long firstLastPage() {
            return lastPage[first];
        }

        /** Gives when it was sent. */
        long removeFirst() {
            long at = sentAt[first];
            first = (first + 1) % MOST;
            count--;
            return at;
        }
    }
}
