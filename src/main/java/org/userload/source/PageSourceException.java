package org.userload.source;

import org.jspecify.annotations.Nullable;

/**
 * A page source cannot be opened or cannot give correct pages. The message names the source and, for a read, the region
 * and page; for a file it says what to do about it.
 */
public class PageSourceException extends RuntimeException {

    /** An error with nothing underneath it. */
    public PageSourceException(String message) {
        this(message, null);
    }

    /** An error caused by another. */
    public PageSourceException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** The error of a read that failed: {@code "image /a.raw: region 0 page 7: <what>"}. */
    static PageSourceException reading(String source, int region, long page, String what, @Nullable Throwable cause) {
        return new PageSourceException(source + ": region " + region + " page " + page + ": " + what, cause);
    }
}
