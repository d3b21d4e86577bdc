package org.userload.migration;

/**
 * How a guest that writes too fast is slowed down.
 *
 * @param firstPercent of its time that it is stopped at first, 1 to 99
 * @param stepPercent what is added each time that this was not enough, 1 to 99
 * @param ceilingPercent the most, {@code firstPercent} to 99
 */
public record ThrottleSteps(int firstPercent, int stepPercent, int ceilingPercent) {
    /** QEMU's defaults: cpu-throttle-initial, cpu-throttle-increment, max-cpu-throttle. */
    public static final ThrottleSteps DEFAULT = new ThrottleSteps(20, 10, 99);

    private static final int MOST_PERCENT = 99;

    public ThrottleSteps {
        if (firstPercent < 1
                || stepPercent < 1
                || stepPercent > MOST_PERCENT
                || ceilingPercent > MOST_PERCENT
                || firstPercent > ceilingPercent) {
            throw new IllegalArgumentException("throttling goes from 1 % or more by 1 % or more to at most "
                    + MOST_PERCENT + " %, not from " + firstPercent + " by " + stepPercent + " to " + ceilingPercent);
        }
    }

    /** The step after {@code percent}, where 0 is not throttled. */
    int after(int percent) {
        return percent == 0 ? firstPercent : Math.min(percent + stepPercent, ceilingPercent);
    }
}
