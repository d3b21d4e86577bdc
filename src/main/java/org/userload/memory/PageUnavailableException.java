package org.userload.memory;

import org.jspecify.annotations.Nullable;

/** A page cannot be had: its source failed, or its session ended, before the page arrived. Memory is not wrong, it is absent. */
public final class PageUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int region;
    private final long page;

    public PageUnavailableException(int region, long page, String reason, @Nullable Throwable cause) {
        super("page " + page + " of region " + region + " cannot be had: " + reason, cause);
        this.region = region;
        this.page = page;
    }

    /**
     * For a page of a session that may have failed.
     *
     * @param failure why it has; null if it has not
     * @param otherwise the reason then
     */
    public static PageUnavailableException of(int region, long page, @Nullable Throwable failure, String otherwise) {
        String reason = failure == null ? otherwise : String.valueOf(failure.getMessage());
        return new PageUnavailableException(region, page, reason, failure);
    }

    public int region() {
        return region;
    }

    /** Index of the page in its region. */
    public long page() {
        return page;
    }
}
