package org.userload.destination;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.destination.prefetch.WorkingSet;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.Role;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;
import org.userload.transport.Placement;

/** How a destination pages in. Immutable; start from {@link #from} and change what should differ. */
public final class DestinationConfig {
    /** 4 MiB on the way: some round trips' worth at memory speed. */
    public static final int DEFAULT_WINDOW_PAGES = 1024;

    /** What the protocol can express. */
    public static final int MAX_WINDOW_PAGES = FrameLayout.MAX_ZERO_RUN_PAGES;

    /** How long a page may be awaited unless configured otherwise. */
    public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);

    /** Threads that wait for pages at a time under the signal interceptor, unless configured otherwise. */
    public static final int DEFAULT_FAULT_CONNECTIONS = 8;

    private final Values values;

    private DestinationConfig(Values values) {
        this.values = values;
    }

    /** Defaults: the best interceptor there is, the stream from the start. */
    public static DestinationConfig from(Endpoint source) {
        return new DestinationConfig(new Values(source));
    }

    /** Where the source listens. */
    public Endpoint source() {
        return values.source;
    }

    /** How faults are intercepted. */
    public InterceptorChoice interceptor() {
        return values.interceptor;
    }

    public DestinationConfig withInterceptor(InterceptorChoice choice) {
        return with(changed -> changed.interceptor = choice);
    }

    /** On how many connections threads ask for their own pages, under the signal interceptor. */
    public int faultConnections() {
        return values.faultConnections;
    }

    /**
     * More threads than that wait for each other.
     *
     * @throws IllegalArgumentException unless it is 1 to {@link Role#MAX_FAULT_CONNECTIONS}
     */
    public DestinationConfig withFaultConnections(int connections) {
        if (connections < 1 || connections > Role.MAX_FAULT_CONNECTIONS) {
            throw new IllegalArgumentException(
                    "there are 1 to " + Role.MAX_FAULT_CONNECTIONS + " connections for faults, not " + connections);
        }
        return with(changed -> changed.faultConnections = connections);
    }

    /** How long a page may be awaited before the session fails. */
    public Duration deadline() {
        return values.deadline;
    }

    /** @throws IllegalArgumentException unless it is positive */
    public DestinationConfig withDeadline(Duration longest) {
        if (longest.isNegative() || longest.isZero()) {
            throw new IllegalArgumentException("the deadline must be positive, not " + longest);
        }
        return with(changed -> changed.deadline = longest);
    }

    /** Most pages that the stream may have on its way. */
    public int windowPages() {
        return values.windowPages;
    }

    /** @throws IllegalArgumentException unless it is 1 to {@link #MAX_WINDOW_PAGES} */
    public DestinationConfig withWindowPages(int pages) {
        if (pages < 1 || pages > MAX_WINDOW_PAGES) {
            throw new IllegalArgumentException("the window is 1 to " + MAX_WINDOW_PAGES + " pages, not " + pages);
        }
        return with(changed -> changed.windowPages = pages);
    }

    /** Whether the stream starts on opening, not on {@link Destination#startStream}. */
    public boolean streamAtOnce() {
        return values.streamAtOnce;
    }

    public DestinationConfig withStreamAtOnce(boolean atOnce) {
        return with(changed -> changed.streamAtOnce = atOnce);
    }

    /** Whether others than this library may drop pages of the memory meanwhile. */
    public boolean trackRemovals() {
        return values.trackRemovals;
    }

    public DestinationConfig withTrackRemovals(boolean track) {
        return with(changed -> changed.trackRemovals = track);
    }

    /** What comes before it is touched. */
    public PrefetchPolicy prefetch() {
        return values.prefetch;
    }

    public DestinationConfig withPrefetch(PrefetchPolicy policy) {
        return with(changed -> changed.prefetch = policy);
    }

    /** What an earlier run touched, to come first; null for nothing. */
    public @Nullable WorkingSet workingSet() {
        return values.workingSet;
    }

    /** One of another guest is ignored, with a warning. */
    public DestinationConfig withWorkingSet(@Nullable WorkingSet recorded) {
        return with(changed -> changed.workingSet = recorded);
    }

    /** Whether the pages are noted in the order in which they are touched first. */
    public boolean recordsWorkingSet() {
        return values.recordsWorkingSet;
    }

    /**
     * What has come before it is touched is not noted: record without {@linkplain #withBackgroundStream background stream}.
     */
    public DestinationConfig withRecordsWorkingSet(boolean records) {
        return with(changed -> changed.recordsWorkingSet = records);
    }

    /** Whether the rest of the memory comes by itself, or only from {@link Destination#streamRest} on. */
    public boolean backgroundStream() {
        return values.backgroundStream;
    }

    public DestinationConfig withBackgroundStream(boolean background) {
        return with(changed -> changed.backgroundStream = background);
    }

    /** A link to emulate, of which this side shapes what it sends; null for none. */
    public @Nullable Link link() {
        return values.link;
    }

    public DestinationConfig withLink(@Nullable Link emulated) {
        return with(changed -> changed.link = emulated);
    }

    /** Whether memory may come as huge pages, where the kernel has them. */
    public boolean hugePages() {
        return values.hugePages;
    }

    public DestinationConfig withHugePages(boolean wanted) {
        return with(changed -> changed.hugePages = wanted);
    }

    /** Where the loops run and how the fault loop waits; the stream's is the second. */
    public Placement placement() {
        return values.placement;
    }

    public DestinationConfig withPlacement(Placement wanted) {
        return with(changed -> changed.placement = wanted);
    }

    private DestinationConfig with(Consumer<Values> change) {
        Values copy = new Values(values);
        change.accept(copy);
        return new DestinationConfig(copy);
    }

    /** Changed while it is copied, never after. */
    private static final class Values {
        final Endpoint source;
        InterceptorChoice interceptor = InterceptorChoice.AUTO;
        int faultConnections = DEFAULT_FAULT_CONNECTIONS;
        Duration deadline = DEFAULT_DEADLINE;
        int windowPages = DEFAULT_WINDOW_PAGES;
        boolean streamAtOnce = true;
        boolean trackRemovals;
        boolean hugePages = true;
        Placement placement = Placement.ANY;
        PrefetchPolicy prefetch = PrefetchPolicy.BUBBLING;
        boolean recordsWorkingSet;
        boolean backgroundStream = true;

        @Nullable
        WorkingSet workingSet;

        @Nullable
        Link link;

        Values(Endpoint source) {
            this.source = source;
        }

        Values(Values other) {
            source = other.source;
            interceptor = other.interceptor;
            faultConnections = other.faultConnections;
            deadline = other.deadline;
            windowPages = other.windowPages;
            streamAtOnce = other.streamAtOnce;
            trackRemovals = other.trackRemovals;
            hugePages = other.hugePages;
            placement = other.placement;
            prefetch = other.prefetch;
            recordsWorkingSet = other.recordsWorkingSet;
            backgroundStream = other.backgroundStream;
            workingSet = other.workingSet;
            link = other.link;
        }
    }
}
