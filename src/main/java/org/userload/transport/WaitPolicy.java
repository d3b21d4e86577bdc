package org.userload.transport;

import java.util.Locale;

/** How an event loop waits for the next event. */
public enum WaitPolicy {
    /** It sleeps; the kernel wakes it. */
    BLOCK,
    /** It never sleeps: the fastest where it has a CPU to itself, and that CPU is busy for good. */
    SPIN,
    /** It looks for more for a moment after each event, then it sleeps. An idle loop costs nothing. */
    ADAPTIVE;

    /** The name used on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
