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
 * @param hintPlan what is done with pages that the guest does not need
 */
public record MigrationPlan(
        MigrationMode mode,
        Duration downtimeLimit,
        int maxRounds,
        int hybridRounds,
        OnNonConvergence onNonConvergence,
        ThrottleSteps throttle,
        TrackerChoice tracker,
        HintPlan hintPlan) {

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
                HintPlan.NONE);
    }

    public MigrationPlan withDowntimeLimit(Duration limit) {
        return new MigrationPlan(mode, limit, maxRounds, hybridRounds, onNonConvergence, throttle, tracker, hintPlan);
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
                hintPlan);
    }

    public MigrationPlan withHybridRounds(int rounds) {
        return new MigrationPlan(mode, downtimeLimit, maxRounds, rounds, onNonConvergence, throttle, tracker, hintPlan);
    }

    public MigrationPlan withOnNonConvergence(OnNonConvergence action) {
        return new MigrationPlan(mode, downtimeLimit, maxRounds, hybridRounds, action, throttle, tracker, hintPlan);
    }

    public MigrationPlan withThrottle(ThrottleSteps steps) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, steps, tracker, hintPlan);
    }

    public MigrationPlan withTracker(TrackerChoice choice) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, throttle, choice, hintPlan);
    }

    private MigrationPlan withHintPlan(HintPlan plan) {
        return new MigrationPlan(
                mode, downtimeLimit, maxRounds, hybridRounds, onNonConvergence, throttle, tracker, plan);
    }

    /** Whether the guest is asked for pages that it does not need. Off unless wanted; turned off only without a poison value. */
    public MigrationPlan withHints(boolean wanted) {
        return withHintPlan(new HintPlan(wanted, hintPlan.poison(), hintPlan.longestWait()));
    }

    /** What the guest expects in its free pages; 0 for nothing. Only with hints. */
    public MigrationPlan withPoison(long poison) {
        return withHintPlan(new HintPlan(hintPlan.wanted(), poison, hintPlan.longestWait()));
    }

    /** How long the migration waits for the guest's answer before it begins to send. */
    public MigrationPlan withHintWait(Duration longest) {
        return withHintPlan(new HintPlan(hintPlan.wanted(), hintPlan.poison(), longest));
    }

    /** Whether the guest is asked for pages that it does not need. */
    public boolean hints() {
        return hintPlan.wanted();
    }

    /** What each little-endian 8 bytes of a free page hold at the destination. */
    public long poison() {
        return hintPlan.poison();
    }
}
