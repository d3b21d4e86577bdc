package org.userload.migration;

import java.time.Duration;
import org.userload.dirty.TrackerChoice;

/**
 * How a guest is to move, decided before it does. Immutable; start from {@link #of} and change what should differ.
 *
 * @param mode the mode
 * @param downtimeLimit pre-copy: the guest is stopped when what is left can be sent in this time
 * @param maxRounds pre-copy and hybrid: most rounds while the guest runs, 1 to {@value #MAX_ROUNDS}
 * @param hybridRounds hybrid: rounds before post-copy; 0 for as long as they converge
 * @param onNonConvergence pre-copy: what to do when rounds do not get smaller
 * @param throttle pre-copy: the steps of {@link OnNonConvergence#THROTTLE}
 * @param tracker how writes are tracked
 * @param hints whether a guest that can tell its free pages is asked for them
 * @param poison what each 8 bytes of a page hold that was not sent for being free; 0 for zero pages
 */
public record MigrationPlan(
        MigrationMode mode,
        Duration downtimeLimit,
        int maxRounds,
        int hybridRounds,
        OnNonConvergence onNonConvergence,
        ThrottleSteps throttle,
        TrackerChoice tracker,
        boolean hints,
        long poison) {

    /** The usual downtime limit of pre-copy. */
    public static final Duration DEFAULT_DOWNTIME_LIMIT = Duration.ofMillis(300);

    /** The longest downtime limit. */
    public static final Duration MAX_DOWNTIME_LIMIT = Duration.ofHours(1);

    /** Rounds after which Xen's pre-copy stops the guest, too (Clark et al., NSDI 2005: 29 and a last one). */
    public static final int DEFAULT_MAX_ROUNDS = 30;

    /** More rounds than this say nothing new. */
    public static final int MAX_ROUNDS = 100_000;

    public MigrationPlan {
        if (downtimeLimit.isNegative() || downtimeLimit.isZero() || downtimeLimit.compareTo(MAX_DOWNTIME_LIMIT) > 0) {
            throw new IllegalArgumentException("the downtime limit is above 0 and at most 1 h, not " + downtimeLimit);
        }
        if (maxRounds < 1 || maxRounds > MAX_ROUNDS) {
            throw new IllegalArgumentException("there are 1 to " + MAX_ROUNDS + " rounds, not " + maxRounds);
        }
        if (hybridRounds < 0 || hybridRounds > maxRounds) {
            throw new IllegalArgumentException("post-copy follows after 0 (as long as they converge) to " + maxRounds
                    + " rounds, not " + hybridRounds);
        }
    }

    /** The defaults of a mode. */
    public static MigrationPlan of(MigrationMode mode) {
        return new MigrationPlan(
                mode,
                DEFAULT_DOWNTIME_LIMIT,
                DEFAULT_MAX_ROUNDS,
                1,
                OnNonConvergence.CONTINUE,
                ThrottleSteps.DEFAULT,
                TrackerChoice.AUTO,
                false,
                0);
    }

    public MigrationPlan withDowntimeLimit(Duration limit) {
        return new MigrationPlan(
                mode, limit, maxRounds, hybridRounds, onNonConvergence, throttle, tracker, hints, poison);
    }

    public MigrationPlan withMaxRounds(int rounds) {
        return new MigrationPlan(
                mode,
                downtimeLimit,
                rounds,
                Math.min(hybridRounds, rounds),
                onNonConvergence,
                throttle,
                tracker,
                hints,
                poison);
    }

    public MigrationPlan withHybridRounds(int rounds) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, rounds, onNonConvergence, throttle, tracker, hints, poison);
    }

    public MigrationPlan withOnNonConvergence(OnNonConvergence action) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, action, throttle, tracker, hints, poison);
    }

    public MigrationPlan withThrottle(ThrottleSteps steps) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, steps, tracker, hints, poison);
    }

    public MigrationPlan withTracker(TrackerChoice choice) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, throttle, choice, hints, poison);
    }

    public MigrationPlan withHints(boolean asked) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, throttle, tracker, asked, poison);
    }

    public MigrationPlan withPoison(long pattern) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, throttle, tracker, hints, pattern);
    }
}
