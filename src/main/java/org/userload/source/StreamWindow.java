package org.userload.source;

/**
 * How many pages the stream may have on its way, so that the link is full and yet has little in front of an urgent page.
 * All it knows is when pages were sent and when they were acknowledged.
 *
 * <p><b>The window</b> is <i>rate × (round trip + queue)</i>: the delivery rate as the maximum over the last time, the
 * round trip as the minimum, both as in BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14.5,
 * 2016). The queue is the delay that the stream may cause, as LEDBAT's target (RFC 6817), but far shorter: {@value
 * StreamDepth#QUEUE_NANOS} ns, or a quarter of the round trip where that is more. It is what finds a rate that has grown: while the
 * link is full nothing more is delivered than the link can carry; when it can carry more, the queue empties, more is
 * delivered, and the window grows with it. Where a page more or less is much, on a slow link, the window is rounded down,
 * but is a page more as long as there is no queue, so that it never stays small.
 *
 * <p><b>Start-up</b> is slow start: the window grows by what is acknowledged, that is, doubles each round trip, until
 * there is a queue (Ha and Rhee, "Hybrid Slow Start", 2008) or three round trips have not brought a quarter more (BBR).
 *
 * <p><b>The minimum grows old.</b> A stream that always keeps a queue never sees an empty link again. So every {@value
 * #ROUND_TRIP_LASTS_NANOS} ns the window is lowered for a round trip until the queue has gone, and the minimum is taken
 * anew (BBR's ProbeRTT).
 *
 * <p><b>Rates that do not count.</b> While the source itself was what held the stream up, what was delivered says nothing
 * about the link: such a rate raises the maximum, but does not let it grow old (BBR's application-limited samples).
 *
 * <p>Counts are pages of content; zero runs take no room. Times are of {@link System#nanoTime()}. One thread.
 */
final class StreamWindow {
    /** After this the minimum round trip is measured again. */
    static final long ROUND_TRIP_LASTS_NANOS = 5_000_000_000L;

    /** A rate counts for at least this long, so that a pause of the peer's thread does not shrink the window. */
    private static final long RATE_LASTS_NANOS = 10_000_000;

    /** Where that is longer, it counts for as many round trips. */
    private static final int RATE_LASTS_ROUND_TRIPS = 10;

    private static final int FIRST_PAGES = 4;

    private static final int ROUNDS_WITHOUT_GROWTH = 3;
    private static final double GROWTH = 1.25;

    /** Part of what an empty link holds that is on its way while the queue drains. */
    private static final double DRAINED = 0.75;

    /** Longer than any round trip. */
    private static final long UNKNOWN_NANOS = 3_600_000_000_000L;

    private final int grantedPages;
    private final FramesOnTheirWay frames = new FramesOnTheirWay();

    private double windowPages;
    private long sentPages;
    private long acknowledgedPages;
    private long acknowledgedAt;
    private long fullAt;

    private double rate;
    private double rateBefore;
    private long rateSince;

    private long roundTripNanos = UNKNOWN_NANOS;
    private long roundTripSince;

    private boolean leavesRoom = true;
    private boolean startingUp = true;
    private long roundEndsAfterPages;
    private int roundsWithoutGrowth;
    private double rateOfRound;

    /** Pages that had been sent when the queue had drained; what comes after them measures; -1 before that. */
    private long drainedAfterPages = -1;

    private boolean draining;
    private long drainedRoundTripNanos;

    /** @param grantedPages most pages that the destination wants on their way, at least 1 */
    StreamWindow(int grantedPages, long now) {
        this.grantedPages = grantedPages;
        this.windowPages = Math.min(FIRST_PAGES, grantedPages);
        this.acknowledgedAt = now;
        this.fullAt = now;
        this.rateSince = now;
        this.roundTripSince = now;
    }

    /**
     * Whether urgent pages may have to pass. While none can come, as long as the guest does not run at the destination, the
     * window is all that was granted: a link is full then, however late a thread gets its turn.
     */
    void leaveRoom(boolean urgentPagesMayCome) {
        leavesRoom = urgentPagesMayCome;
    }

    /** Pages that may be on their way, all together. */
    int pages() {
        if (!leavesRoom) {
            return grantedPages;
        }
        int pages = (int) Math.min(grantedPages, Math.max(StreamDepth.LEAST_PAGES, windowPages));
        return draining
                ? (int) Math.min(pages, Math.max(StreamDepth.LEAST_PAGES, rate() * roundTripNanos * DRAINED))
                : pages;
    }

    /** Most pages of the next frame. */
    int framePages() {
        return StreamDepth.framePages(pages());
    }

    /** Pages sent and not acknowledged. */
    long onTheirWay() {
        return sentPages - acknowledgedPages;
    }

    /** Whether another frame may be sent. */
    boolean hasRoom(long now) {
        boolean room = onTheirWay() + framePages() <= pages();
        if (!room) {
            fullAt = now;
        }
        return room;
    }

    /** The link, or a limit set to it, did not take more: what is delivered now is what it can carry. */
    void heldUp(long now) {
        fullAt = now;
    }

    /** A frame of content was sent. */
    void sent(int pages, long now) {
        if (onTheirWay() == 0) {
            acknowledgedAt = now;
        }
        sentPages += pages;
        frames.add(sentPages, now, acknowledgedPages, acknowledgedAt);
    }

    /** Pages were acknowledged, at most as many as are on their way. */
    void acknowledged(int pages, long now) {
        acknowledgedPages += pages;
        acknowledgedAt = now;
        boolean measured = false;
        while (frames.isFirstWithin(acknowledgedPages)) {
            frames.removeFirst();
            measured = true;
        }
        if (measured) {
            roundTrip(now - frames.sentAt(), now);
            rate(now);
        }
        if (startingUp) {
            startUp(pages, now);
        } else {
            windowPages = Math.floor(rate() * (roundTripNanos + queueNanos())) + (isQueueEmpty(now) ? 1 : 0);
        }
    }

    /** Of the frame that was acknowledged last. */
    private boolean isQueueEmpty(long now) {
        return now - frames.sentAt() - roundTripNanos < StreamDepth.QUEUE_NANOS / 4;
    }

    private long queueNanos() {
        return StreamDepth.queueNanos(roundTripNanos);
    }

    private void roundTrip(long nanos, long now) {
        if (nanos <= roundTripNanos) {
            roundTripNanos = nanos;
            roundTripSince = now;
        } else if (!draining && now - roundTripSince > ROUND_TRIP_LASTS_NANOS) {
            draining = true;
            drainedAfterPages = -1;
            drainedRoundTripNanos = nanos;
        }
        if (draining) {
            drain(nanos, now);
        }
    }

    private void drain(long nanos, long now) {
        drainedRoundTripNanos = Math.min(drainedRoundTripNanos, nanos);
        if (drainedAfterPages < 0) {
            if (onTheirWay() <= pages()) {
                drainedAfterPages = sentPages;
            }
        } else if (acknowledgedPages > drainedAfterPages) {
            draining = false;
            startingUp = drainedRoundTripNanos > 2 * roundTripNanos;
            roundsWithoutGrowth = 0;
            rateOfRound = 0;
            roundTripNanos = drainedRoundTripNanos;
            roundTripSince = now;
        }
    }

    private double rate() {
        return Math.max(rate, rateBefore);
    }

    private void rate(long now) {
        long interval = now - frames.acknowledgedAt();
        if (interval <= 0) {
            return;
        }
        double sample = (double) (acknowledgedPages - frames.acknowledgedPages()) / interval;
        boolean isOfTheLink = fullAt - frames.acknowledgedAt() >= 0;
        if (!isOfTheLink && sample <= rate()) {
            return;
        }
        if (!draining && now - rateSince > Math.max(RATE_LASTS_NANOS, RATE_LASTS_ROUND_TRIPS * roundTripNanos)) {
            rateBefore = rate;
            rate = 0;
            rateSince = now;
        }
        rate = Math.max(rate, sample);
    }

    private void startUp(int pages, long now) {
        windowPages = Math.min(grantedPages, windowPages + pages);
        if (now - frames.sentAt() > roundTripNanos + queueNanos()) {
            startingUp = false;
        } else if (acknowledgedPages >= roundEndsAfterPages) {
            roundEndsAfterPages = sentPages;
            boolean grown = rate() >= GROWTH * rateOfRound;
            roundsWithoutGrowth = grown ? 0 : roundsWithoutGrowth + 1;
            rateOfRound = grown ? rate() : rateOfRound;
            startingUp = roundsWithoutGrowth < ROUNDS_WITHOUT_GROWTH;
        }
    }

    /** When frames were sent, and what had been acknowledged then. As many as fit; the others are not measured. */
    private static final class FramesOnTheirWay {
        private static final int MOST = 256;

        private final long[] lastPage = new long[MOST];
        private final long[] sentAt = new long[MOST];
        private final long[] acknowledgedPages = new long[MOST];
        private final long[] acknowledgedAt = new long[MOST];
        private int first;
        private int count;
        private int removed;

        void add(long last, long now, long acknowledged, long acknowledgedTime) {
            if (count < MOST) {
                int at = (first + count++) % MOST;
                lastPage[at] = last;
                sentAt[at] = now;
                acknowledgedPages[at] = acknowledged;
                acknowledgedAt[at] = acknowledgedTime;
            }
        }

        boolean isFirstWithin(long acknowledged) {
            return count > 0 && lastPage[first] <= acknowledged;
        }

        void removeFirst() {
            removed = first;
            first = (first + 1) % MOST;
            count--;
        }

        /** Of the frame removed last, which stays as it is until another is removed. */
        long sentAt() {
            return sentAt[removed];
        }

        long acknowledgedPages() {
            return acknowledgedPages[removed];
        }

        long acknowledgedAt() {
            return acknowledgedAt[removed];
        }
    }
}
