package org.userload.migration;

import java.util.Optional;
import org.userload.hint.Balloon;
import org.userload.hint.FreePageReporter;

/**
 * What can be moved: anything that can stop, save what it has besides memory, take that over elsewhere and go on.
 *
 * <p><b>Threads.</b> A migration calls these one after the other, from threads of its own. None of them may touch guest
 * memory on the calling thread: at the destination its pages are missing, and the thread that restores a guest must not
 * wait for them.
 */
public interface Guest {
    /** Stops the guest; when this returns it makes no more accesses until {@link #resume}. Idempotent. */
    void pause();

    /** What the guest has besides memory; at most 1 MiB. Only while it is paused. */
    byte[] saveCpuState();

    /**
     * Takes over what {@link #saveCpuState} gave elsewhere. Only before the first {@link #resume}.
     *
     * @throws RuntimeException when the state does not fit this guest; the handover is then called off
     */
    void restoreCpuState(byte[] state);

    /** Lets the guest run, in threads of its own; returns at once. */
    void resume();

    /** Tells which pages the guest does not need; empty when it cannot. Asked for once a migration. */
    default Optional<FreePageReporter> freePageReporter() {
        return Optional.empty();
    }

    /** The guest's balloon; empty when it has none. Asked for once a migration, while the guest is here. */
    default Optional<Balloon> balloon() {
        return Optional.empty();
    }

    /**
     * Whether every write to its memory goes through {@link org.userload.memory.GuestMemory}. Only then may writes be tracked
     * in the page-access layer where the kernel cannot track them; it would not see those of native code and virtual CPUs,
     * and these would be lost.
     */
    default boolean writesThroughGuestMemoryOnly() {
        return false;
    }
}
