package org.userload.destination;

/** Hears what the source says about the guest. Called on the control loop; must not block it for long. */
public interface ControlListener {
    /** A listener for sessions without a guest. */
    ControlListener NONE = new ControlListener() {};

    /** The guest is paused; restore it from this state, then call {@link Destination#sendReady}. */
    default void prepare(byte[] cpuState, long microsSincePause) {}

    /**
     * Run the guest, then call {@link Destination#sendStarted}.
     *
     * @param microsSinceReady how long the source had READY before it sent this
     */
    default void commit(long microsSincePause, long microsSinceReady) {}

    /** The handover is off; the guest goes on at the source. */
    default void aborted(String why) {}

    /** The session has failed. */
    default void failed(Throwable reason) {}
}
