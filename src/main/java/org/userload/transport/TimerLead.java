package org.userload.transport;

/**
 * How much earlier than needed to set an event loop's timer, since it comes late: waking a thread takes time, most of all
 * on a CPU that was idle. Learned from how late timers came, as their lower quartile, so that whoever was woken seldom has
 * to wait for the rest. (A step up is a third of a step down: they balance where three of four are later.)
 *
 * <p>One thread.
 */
final class TimerLead {
    /** Most that a timer is set early, and so most that a loop waits for the rest. */
    static final long MOST_NANOS = 50_000;

    /** Later than this it was not the timer: the loop had other work, or no CPU. */
    private static final long TIMER_MOST_NANOS = 4 * MOST_NANOS;

    private static final long STEP_UP_NANOS = 1_000;
    private static final long STEP_DOWN_NANOS = 3 * STEP_UP_NANOS;

    private long nanos;

    long nanos() {
        return nanos;
    }

    /** A timer came so much later than it was set to. */
    void late(long byNanos) {
        if (byNanos > TIMER_MOST_NANOS) {
            return;
        }
        nanos = byNanos >= nanos
                ? Math.min(MOST_NANOS, Math.min(byNanos, nanos + STEP_UP_NANOS))
                : Math.max(0, nanos - STEP_DOWN_NANOS);
    }
}
