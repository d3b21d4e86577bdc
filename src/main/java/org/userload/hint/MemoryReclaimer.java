package org.userload.hint;

import java.util.concurrent.CompletableFuture;

/** A guest that can be asked to lend the host memory that it does not need much, such as clean caches. */
@FunctionalInterface
public interface MemoryReclaimer {
    /**
     * Asks the guest to inflate its balloon with what it has available, but for a floor. It does so by messages to its {@link
     * Balloon}.
     *
     * @param floorPages available pages that it may keep
     * @return completes when the guest has inflated as far as it wants to, or exceptionally when it refuses or cannot; when it
     *     is cancelled, nobody waits any more
     */
    CompletableFuture<?> reclaim(long floorPages);
}
