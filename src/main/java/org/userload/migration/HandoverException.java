package org.userload.migration;

import org.jspecify.annotations.Nullable;

/** A handover did not come about. Says on which side the guest is. */
public final class HandoverException extends RuntimeException {
    static final String HERE = "; the guest runs on here";
    static final String PERHAPS_THERE = "; the guest stays paused here and may run there";

    private static final long serialVersionUID = 1;

    private final boolean guestIsHere;

    HandoverException(String message, boolean guestIsHere, @Nullable Throwable cause) {
        super(message, cause);
        this.guestIsHere = guestIsHere;
    }

    /**
     * At the source: whether the guest runs on here. If not, the destination was told to run it and has not confirmed;
     * the guest stays paused here, since it might be running there.
     */
    public boolean guestIsHere() {
        return guestIsHere;
    }
}
