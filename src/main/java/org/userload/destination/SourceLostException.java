package org.userload.destination;

import org.jspecify.annotations.Nullable;

/** The source or the way to it is lost before every page came. */
public final class SourceLostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public SourceLostException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
