package org.userload.migration;

import java.util.Locale;

/** What to do when the guest writes to its memory about as fast as it can be sent. */
public enum OnNonConvergence {
    /** Go on, up to the most rounds there may be; then stop the guest however long that takes. */
    CONTINUE,
    /** Call the migration off; the guest goes on at the source. */
    FAIL,
    /** Slow the guest down, step by step, until it converges; at the most rounds as {@link #CONTINUE}. */
    THROTTLE,
    /** Switch to post-copy. */
    POSTCOPY;

    /** The name on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
