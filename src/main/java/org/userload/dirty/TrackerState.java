package org.userload.dirty;

import java.util.Locale;

/** Where a tracker is in its life. */
enum TrackerState {
    OPEN,
    STARTED,
    CLOSED;

    void require(TrackerState wanted, String what) {
        if (this != wanted) {
            throw new IllegalStateException(
                    "a dirty page tracker that is " + name().toLowerCase(Locale.ROOT) + " cannot be " + what);
        }
    }
}
