package org.userload.source;

/**
 * Consecutive pages of one kind. Immutable.
 *
 * <p>Get one from {@link #data} or {@link #zero}: they share one object for each length up to
 * {@value #SHARED_RUN_PAGES} pages, so that describing pages on a request's way does not allocate.
 *
 * @param kind what the pages hold
 * @param pageCount how many pages, at least 1
 */
public record PageRun(Kind kind, int pageCount) {
    /** Runs up to this many pages (2 MiB of 4 KiB pages) are shared objects. */
    public static final int SHARED_RUN_PAGES = 512;

    private static final PageRun[] DATA = shared(Kind.DATA);
    private static final PageRun[] ZERO = shared(Kind.ZERO);

    /** What a page holds. */
    public enum Kind {
        /** Bytes that have to be read. */
        DATA,
        /** Nothing but zero bytes. */
        ZERO
    }

    public PageRun {
        if (pageCount < 1) {
            throw new IllegalArgumentException("a run has at least 1 page, not " + pageCount);
        }
    }

    /** A run of {@code pageCount} pages that have to be read. */
    public static PageRun data(int pageCount) {
        return of(DATA, Kind.DATA, pageCount);
    }

    /** A run of {@code pageCount} pages of zero bytes. */
    public static PageRun zero(int pageCount) {
        return of(ZERO, Kind.ZERO, pageCount);
    }

    /** Whether the pages hold nothing but zero bytes. */
    public boolean isZero() {
        return kind == Kind.ZERO;
    }

    private static PageRun of(PageRun[] shared, Kind kind, int pageCount) {
        return pageCount >= 1 && pageCount <= SHARED_RUN_PAGES ? shared[pageCount - 1] : new PageRun(kind, pageCount);
    }

    private static PageRun[] shared(Kind kind) {
        PageRun[] runs = new PageRun[SHARED_RUN_PAGES];
        for (int i = 0; i < runs.length; i++) {
            runs[i] = new PageRun(kind, i + 1);
        }
        return runs;
    }
}
