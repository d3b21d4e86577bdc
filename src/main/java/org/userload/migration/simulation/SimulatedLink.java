package org.userload.migration.simulation;

import org.userload.destination.DestinationConfig;
import org.userload.memory.PageSize;
import org.userload.protocol.FrameLayout;
import org.userload.source.StreamDepth;
import org.userload.transport.Link;
import org.userload.transport.OutboundLink;

/**
 * How long pages take from machine to machine: by the link, by the machines, or by the window, whichever is slowest. Times
 * are nanoseconds.
 */
final class SimulatedLink {
    /** Of a page. */
    static final int PAGE_BYTES = PageSize.DEFAULT.bytes();

    private final double nanosPerByte;
    private final double roundTripNanos;
    private final double contentPageNanos;
    private final double zeroPageNanos;
    private final double unneededPageNanos;
    private final double urgentPageNanos;
    private final double queueNanos;
    private final int framePages;

    /** @param poisoned whether pages that nobody needs are filled with a pattern at the destination */
    SimulatedLink(Link link, MachineCosts costs, boolean poisoned) {
        nanosPerByte = 1e9 / link.bytesPerSecond();
        roundTripNanos = link.roundTrip().toNanos();
        double smallFrameNanos = nanosOnLink(FrameLayout.HEADER_BYTES + PAGE_BYTES);
        double pageNanos = Math.max(smallFrameNanos, PAGE_BYTES * 1e9 / costs.bytesPerSecond());
        double depth = roundTripNanos + StreamDepth.queueNanos(link.roundTrip().toNanos());
        int window = (int)
                Math.max(StreamDepth.LEAST_PAGES, Math.min(DestinationConfig.DEFAULT_WINDOW_PAGES, depth / pageNanos));
        framePages = StreamDepth.framePages(window);
        double frameNanos = nanosOnLink(FrameLayout.HEADER_BYTES + (long) framePages * PAGE_BYTES);
        contentPageNanos = Math.max(
                Math.max(frameNanos / framePages, PAGE_BYTES * 1e9 / costs.bytesPerSecond()),
                roundTripNanos / DestinationConfig.DEFAULT_WINDOW_PAGES);
        zeroPageNanos = Math.max(
                nanosOnLink(FrameLayout.HEADER_BYTES) / StreamDepth.LONGEST_RUN_PAGES, costs.zeroNanosPerPage());
        unneededPageNanos = Math.max(
                nanosOnLink(FrameLayout.HEADER_BYTES) / StreamDepth.LONGEST_RUN_PAGES,
                poisoned ? costs.poisonNanosPerPage() : 0);
        urgentPageNanos = smallFrameNanos;
        queueNanos = Math.max(0, window * contentPageNanos - roundTripNanos);
    }

    double roundTripNanos() {
        return roundTripNanos;
    }

    /** A page of content in the stream. */
    double contentPageNanos() {
        return contentPageNanos;
    }

    /** What an urgent page takes from the stream. */
    double urgentPageNanos() {
        return urgentPageNanos;
    }

    /** How long an urgent page waits for what is in front of it. */
    double queueNanos() {
        return queueNanos;
    }

    /** A request and its page, on a link with a full stream, until it has arrived. */
    double answerNanos() {
        return nanosOnLink(FrameLayout.HEADER_BYTES) + roundTripNanos + queueNanos + urgentPageNanos;
    }

    /** Sending pages in bulk, not counting the way. */
    double passNanos(SentPages pages) {
        return pages.content() * contentPageNanos + pages.zero() * zeroPageNanos + pages.unneeded() * unneededPageNanos;
    }

    /** Bytes on the link in this time, other than headers. */
    private double nanosOnLink(long bytes) {
        return OutboundLink.bytesOnLink(bytes) * nanosPerByte;
    }

    /** Bytes of frames for pages in bulk, both ways: with each frame of content goes an acknowledgement back. */
    double passBytes(SentPages pages) {
        return pages.content() * PAGE_BYTES
                + 2 * FrameLayout.HEADER_BYTES * Math.ceil(pages.content() / framePages)
                + runBytes(pages.zero())
                + runBytes(pages.unneeded());
    }

    private static double runBytes(double pages) {
        return FrameLayout.HEADER_BYTES * Math.ceil(pages / StreamDepth.LONGEST_RUN_PAGES);
    }

    /** Bytes of a request and its page. */
    double answerBytes() {
        return PAGE_BYTES + 2.0 * FrameLayout.HEADER_BYTES;
    }
}
