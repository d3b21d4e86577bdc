package org.userload.migration;

import java.time.Duration;

/**
 * What a migration does with pages that the guest does not need. Immutable.
 *
 * @param wanted whether the guest is asked for them
 * @param poison what the guest fills its free pages with and expects to find in them: each little-endian 8
 *     bytes of a page that was not sent hold this; 0 when it expects nothing, then they are zero
 * @param longestWait how long the migration waits for the guest's answer, at most, before it begins to send
 */
public record HintPlan(boolean wanted, long poison, Duration longestWait) {
    /**
     * A guest collects the free pages of gigabytes in milliseconds, and what is hinted after its page was sent saves nothing. A
     * guest that does not answer delays its migration by this, once.
     */
    public static final Duration DEFAULT_LONGEST_WAIT = Duration.ofMillis(100);

    /** More than this is no wait but a standstill. */
    public static final Duration MAX_LONGEST_WAIT = Duration.ofMinutes(1);

    /** The guest is not asked. */
    public static final HintPlan NONE = new HintPlan(false, 0, DEFAULT_LONGEST_WAIT);

    public HintPlan {
        if (poison != 0 && !wanted) {
            throw new IllegalArgumentException(
                    "a poison value is for hinted pages, and hints are off; turn them on first");
        }
        if (longestWait.isNegative() || longestWait.compareTo(MAX_LONGEST_WAIT) > 0) {
            throw new IllegalArgumentException("hints are waited for 0 s to 1 min, not " + longestWait);
        }
    }
}
