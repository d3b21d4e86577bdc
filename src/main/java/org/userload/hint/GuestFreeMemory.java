package org.userload.hint;

/** What a guest knows about its free memory. */
@FunctionalInterface
public interface GuestFreeMemory {
    /**
     * Gives every page that is free now, on the thread of the agent. A page may be used again at any moment, also before
     * it is given: it only must have been free after the call.
     */
    void report(HintWriter into) throws InterruptedException;
}
