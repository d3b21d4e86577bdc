package org.userload.migration;

import org.userload.memory.GuestMemory;

/** Makes the guest at the destination, once its memory is known. Must not touch the memory. */
@FunctionalInterface
public interface GuestFactory {
    /** A paused guest on this memory. */
    Guest create(GuestMemory memory);
}
