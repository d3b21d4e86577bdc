package org.userload.report.comparison;

import org.jspecify.annotations.Nullable;

/**
 * A good run with what it is measured against.
 *
 * @param unmoved the unmoved run of the same turn, null if that failed
 */
public record Measured(int turn, RunResult result, @Nullable RunResult unmoved) {
    /** Guest time by that of the unmoved run. */
    @Nullable
    Double slowdown() {
        Long base = unmoved == null ? null : unmoved.guestUs();
        Long guest = result.guestUs();
        return base == null || base <= 0 || guest == null ? null : (double) guest / base;
    }
}
