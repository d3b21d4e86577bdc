package org.userload.trace;

/**
 * How fast a guest makes its accesses. It changes nothing but time.
 *
 * @param accessesPerSecond at least 1; {@link Long#MAX_VALUE} is full speed
 */
public record AccessRate(long accessesPerSecond) {
    /** As fast as it goes: nothing is counted or waited for. */
    public static final AccessRate FULL_SPEED = new AccessRate(Long.MAX_VALUE);

    /** @throws IllegalArgumentException if the rate is below 1 */
    public AccessRate {
        if (accessesPerSecond < 1) {
            throw new IllegalArgumentException(
                    "a rate of " + accessesPerSecond + " accesses per second, expected at least 1");
        }
    }

    boolean isFullSpeed() {
        return accessesPerSecond == Long.MAX_VALUE;
    }
}
