package org.userload.hint;

/**
 * Gets what a guest says about its balloon. On the thread of the guest channel, one call at a time; until a call returns, the
 * guest's further messages wait. Nothing is checked but the form: pages need not exist. A batch is valid during the call.
 */
public interface GuestMemoryListener {
    /** The guest gives these pages to the host. In pages of 4096 bytes from guest address 0. The guest gets the answer. */
    HintResult inflate(RangeBatch pages);

    /** The guest wants these pages back. It does not use them before it has the answer that it has got them. */
    HintResult deflate(RangeBatch pages);

    /** So many pages could be given without hurting the guest. */
    default void available(long pages) {}

    /** The guest can be reached from now on. */
    default void connected() {}

    /** The guest has closed its port, or its channel has ended. */
    default void disconnected() {}
}
