package org.userload.destination.prefetch;

/**
 * What comes before it is touched.
 *
 * @param kind the policy
 * @param windowPages {@link Kind#FIXED}: pages behind each fault, 1 to {@value #MAX_WINDOW_PAGES}
 */
public record PrefetchPolicy(Kind kind, int windowPages) {
    /** 2 MiB of 4 KiB pages. */
    public static final int MAX_WINDOW_PAGES = 512;

    /** The window of {@code fixed} unless another is given. */
    public static final int DEFAULT_WINDOW_PAGES = 32;

    /** The rest of the memory in order, whatever is touched. */
    public static final PrefetchPolicy NONE = new PrefetchPolicy(Kind.NONE, 0);

    /** The rest of the memory around the latest faults. */
    public static final PrefetchPolicy BUBBLING = new PrefetchPolicy(Kind.BUBBLING, 0);

    /** Scans are recognised, and what they will touch next comes before they do. */
    public static final PrefetchPolicy ADAPTIVE = new PrefetchPolicy(Kind.ADAPTIVE, 0);

    /** Policies; all but the first have the stream follow the faults. */
    public enum Kind {
        /** Nothing. */
        NONE,
        /** The same number of pages behind each fault. */
        FIXED,
        /** {@link AdaptiveReadAhead}. */
        ADAPTIVE,
        /** Nothing by the destination; the source's stream goes on around the latest requests. */
        BUBBLING
    }

    public PrefetchPolicy {
        if (kind == Kind.FIXED && (windowPages < 1 || windowPages > MAX_WINDOW_PAGES)) {
            throw new IllegalArgumentException(
                    "a fixed window is 1 to " + MAX_WINDOW_PAGES + " pages, not " + windowPages);
        }
    }

    /** The same number of pages behind each fault. */
    public static PrefetchPolicy fixed(int pages) {
        return new PrefetchPolicy(Kind.FIXED, pages);
    }

    /** Whether the stream goes on around the latest faults. */
    public boolean followsFaults() {
        return kind != Kind.NONE;
    }

    /** Whether the destination says ahead of touches what it wants. */
    public boolean readsAhead() {
        return kind == Kind.FIXED || kind == Kind.ADAPTIVE;
    }

    /** What decides on read-ahead, with a state of its own. */
    public ReadAhead open() {
        return switch (kind) {
            case NONE, BUBBLING -> ReadAhead.NONE;
            case FIXED -> ReadAhead.fixed(windowPages);
            case ADAPTIVE -> new AdaptiveReadAhead();
        };
    }
}
