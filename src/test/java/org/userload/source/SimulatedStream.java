package org.userload.source;

import java.util.ArrayDeque;
import java.util.SplittableRandom;

/**
 * A stream over a link that serves frames one after the other, with a clock of its own: no threads, no waiting, the same
 * every time.
 */
final class SimulatedStream {
    private static final double PAGE_BYTES = 4096 + 24 + 3 * 66;
    private static final int SAMPLE_NANOS = 7_000;

    private final StreamWindow window;
    private final ArrayDeque<long[]> acknowledgements = new ArrayDeque<>();
    private double nanosPerPage;
    private long roundTripNanos;
    private long now = 1_000_000_007L;
    private long busyUntil = now;
    private long lastAcknowledged;
    private boolean transportTells;
    private long jitterNanos;
    private long turnNanos;
    private double lateShare;
    private long turnEndsAt;
    private long pagesPerMillisecondAtMost = Long.MAX_VALUE;
    private long mayProduceAt = now;
    private final SplittableRandom random = new SplittableRandom(1);

    private long measuredSince;
    private long deliveredPages;
    private long longestQueueNanos;

    SimulatedStream(double bitsPerSecond, long roundTripNanos, int grantedPages) {
        link(bitsPerSecond, roundTripNanos);
        this.window = new StreamWindow(grantedPages, now);
    }

    StreamWindow window() {
        return window;
    }

    void leaveRoom(boolean urgentPagesMayCome) {
        window.leaveRoom(urgentPagesMayCome, now);
    }

    /** Changes the link, also on the way. */
    void link(double bitsPerSecond, long newRoundTripNanos) {
        nanosPerPage = PAGE_BYTES * 8e9 / bitsPerSecond;
        roundTripNanos = newRoundTripNanos;
    }

    /** Whether the transport tells the delay of the path. */
    SimulatedStream transportTells(boolean does) {
        transportTells = does;
        window.emptyPath(pathNanos(), now);
        return this;
    }

    /** Acknowledgements are late by up to this long. */
    void jitter(long nanos) {
        jitterNanos = nanos;
    }

    /**
     * Another thread takes the CPU for turns of this length, this share of the time, at random: what was acknowledged meanwhile is
     * seen, and answered, at the end of the turn.
     */
    void turnsOfOthers(long nanos, double share) {
        turnNanos = nanos;
        lateShare = share;
        turnEndsAt = now;
    }

    /** The source produces no more than this. */
    void sourceMakes(long pagesPerMillisecond) {
        pagesPerMillisecondAtMost = pagesPerMillisecond;
    }

    void run(long nanos) {
        long end = now + nanos;
        while (now < end) {
            waitForATurn();
            takeAcknowledgements();
            send();
            long next = now + SAMPLE_NANOS;
            long[] acknowledgement = acknowledgements.peek();
            now = acknowledgement != null && acknowledgement[0] <= next ? acknowledgement[0] : next;
            longestQueueNanos = Math.max(longestQueueNanos, busyUntil - now);
        }
    }

    private void takeAcknowledgements() {
        for (long[] next = acknowledgements.peek(); next != null && next[0] <= now; next = acknowledgements.peek()) {
            acknowledgements.remove();
            window.acknowledged((int) next[1], pathNanos(), now);
            deliveredPages += next[1];
        }
    }

    private long pathNanos() {
        return transportTells ? Math.max(0, busyUntil - now) + roundTripNanos : -1;
    }

    private void waitForATurn() {
        if (turnNanos > 0 && now >= turnEndsAt) {
            if (random.nextDouble() < lateShare) {
                now += turnNanos;
                turnEndsAt = now;
            } else {
                turnEndsAt = now + turnNanos;
            }
        }
    }

    private void send() {
        while (mayProduceAt <= now && window.hasRoom()) {
            int pages = window.framePages();
            busyUntil = Math.max(now, busyUntil) + Math.round(pages * nanosPerPage);
            window.sent(pages, now);
            long late = jitterNanos == 0 ? 0 : random.nextLong(jitterNanos);
            lastAcknowledged = Math.max(lastAcknowledged, busyUntil + roundTripNanos + late);
            acknowledgements.add(new long[] {lastAcknowledged, pages});
            if (pagesPerMillisecondAtMost != Long.MAX_VALUE) {
                mayProduceAt = now + pages * 1_000_000L / pagesPerMillisecondAtMost;
            }
        }
    }

    /** From here on is what the next two tell about. */
    void measureFromHere() {
        measuredSince = now;
        deliveredPages = 0;
        longestQueueNanos = 0;
    }

    /** Part of the time in which the link was busy. */
    double utilisation() {
        return deliveredPages * nanosPerPage / (now - measuredSince);
    }

    /** How long a page that is asked for would have waited behind the stream, at most. */
    long longestQueueMicros() {
        return longestQueueNanos / 1000;
    }
}
