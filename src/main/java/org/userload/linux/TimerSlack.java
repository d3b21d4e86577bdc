package org.userload.linux;

/**
 * How much later than asked the kernel may wake the calling thread from a wait with a timeout ({@code PR_SET_TIMERSLACK}
 * in {@code prctl(2)}), so that it can put wake-ups together. 50 us unless set; none for real-time threads.
 */
public final class TimerSlack {
    private static final int PR_SET_TIMERSLACK = 29;
    private static final int PR_GET_TIMERSLACK = 30;

    /** 0 would mean the default. */
    private static final long LEAST_NANOS = 1;

    private TimerSlack() {}

    /** Has the calling thread woken as soon as its time is over, as far as the kernel can. */
    public static void leastForCurrentThread() {
        NativeFailure.check("prctl(PR_SET_TIMERSLACK)", LibC.C.prctl(PR_SET_TIMERSLACK, LEAST_NANOS), 0, 0);
    }

    /** Of the calling thread, nanoseconds. */
    public static long currentNanos() {
        return NativeFailure.check("prctl(PR_GET_TIMERSLACK)", LibC.C.prctl(PR_GET_TIMERSLACK, 0), 0, 0);
    }
}
