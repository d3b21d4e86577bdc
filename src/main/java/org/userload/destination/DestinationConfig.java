package org.userload.destination;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameLayout;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * How a destination pages in. Immutable; start from {@link #from} and change what should differ.
 *
 * @param source where the source listens
 * @param interceptor how faults are intercepted
 * @param deadline how long a page may be awaited before the session fails
 * @param windowPages most pages that the stream may have on its way
 * @param streamAtOnce whether the stream starts on opening, not on {@link Destination#startStream}
 * @param trackRemovals whether others than this library may drop pages of the memory meanwhile
 * @param link a link to emulate, of which this side shapes what it sends; null for none
 */
public record DestinationConfig(
        Endpoint source,
        InterceptorChoice interceptor,
        Duration deadline,
        int windowPages,
        boolean streamAtOnce,
        boolean trackRemovals,
        @Nullable Link link) {

    /** 4 MiB on the way: some round trips' worth at memory speed. */
    public static final int DEFAULT_WINDOW_PAGES = 1024;

    /** What the protocol can express. */
    public static final int MAX_WINDOW_PAGES = FrameLayout.MAX_ZERO_RUN_PAGES;

    /** How long a page may be awaited unless configured otherwise. */
    public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);

    public DestinationConfig {
        if (deadline.isNegative() || deadline.isZero()) {
            throw new IllegalArgumentException("the deadline must be positive, not " + deadline);
        }
        if (windowPages < 1 || windowPages > MAX_WINDOW_PAGES) {
            throw new IllegalArgumentException("the window is 1 to " + MAX_WINDOW_PAGES + " pages, not " + windowPages);
        }
    }

    /** Defaults: the best interceptor there is, the stream from the start. */
    public static DestinationConfig from(Endpoint source) {
        return new DestinationConfig(
                source, InterceptorChoice.AUTO, DEFAULT_DEADLINE, DEFAULT_WINDOW_PAGES, true, false, null);
    }

    public DestinationConfig withInterceptor(InterceptorChoice choice) {
        return new DestinationConfig(source, choice, deadline, windowPages, streamAtOnce, trackRemovals, link);
    }

    public DestinationConfig withDeadline(Duration longest) {
        return new DestinationConfig(source, interceptor, longest, windowPages, streamAtOnce, trackRemovals, link);
    }

    public DestinationConfig withWindowPages(int pages) {
        return new DestinationConfig(source, interceptor, deadline, pages, streamAtOnce, trackRemovals, link);
    }

    public DestinationConfig withStreamAtOnce(boolean atOnce) {
        return new DestinationConfig(source, interceptor, deadline, windowPages, atOnce, trackRemovals, link);
    }

    public DestinationConfig withTrackRemovals(boolean track) {
        return new DestinationConfig(source, interceptor, deadline, windowPages, streamAtOnce, track, link);
    }

    public DestinationConfig withLink(@Nullable Link emulated) {
        return new DestinationConfig(source, interceptor, deadline, windowPages, streamAtOnce, trackRemovals, emulated);
    }
}
