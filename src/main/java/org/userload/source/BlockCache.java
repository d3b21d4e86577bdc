package org.userload.source;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.stats.CacheStats;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * Decompressed blocks, as many as fit into a number of bytes. Thread-safe.
 *
 * <p>Threads that want one missing block at the same time load it once: the others wait for the first. A load that
 * fails is not remembered. Which blocks stay is decided by Caffeine's W-TinyLFU, so that one pass of the stream over
 * the whole image does not push out the blocks that faults keep coming back to.
 *
 * <p>Blocks are arrays on the heap and nobody writes to them once they are here. Evicting one only drops a reference: a
 * thread that is copying from it goes on, and the garbage collector frees it afterwards. There is nothing to release,
 * too early or never.
 *
 * <p><b>The bound.</b> Caffeine evicts in a batch, under a lock that loading threads do not wait for. When the thread that
 * holds the lock loses its processor, others load on, and the cache grows by hundreds of blocks. So a thread that has
 * loaded a block and finds {@value #SLACK_BLOCKS} too many does wait and evicts. At rest, the cache holds no
 * more than its capacity; meanwhile at most {@value #SLACK_BLOCKS} blocks more, and one for each loading thread.
 */
final class BlockCache {
    /** What an entry costs besides the block's bytes: array header, key, node, table slot; in bytes, about. */
    static final int ENTRY_OVERHEAD_BYTES = 128;

    /** How many full blocks there may be over the capacity before a loading thread waits for room: 1 MiB. */
    static final int SLACK_BLOCKS = 16;

    private static final int MAX_EVICTION_ATTEMPTS = 1000;
    private static final long EVICTION_RETRY_NANOS = 10_000;

    private final Cache<Integer, byte[]> blocks;
    private final long waitAboveBlocks;
    private final Function<Integer, byte[]> loader;

    /**
     * An empty cache.
     *
     * @param capacityBytes what the blocks and their bookkeeping may take together; 0 keeps nothing
     * @param loader gives a block; called by the thread that asks for it
     */
    BlockCache(long capacityBytes, IntFunction<byte[]> loader) {
        long usualBlocks = capacityBytes / (UliFormat.BLOCK_BYTES + ENTRY_OVERHEAD_BYTES);
        this.loader = loader::apply;
        this.waitAboveBlocks = usualBlocks + SLACK_BLOCKS;
        // The executor is the caller itself: eviction keeps pace with loading and needs no thread of its own.
        this.blocks = Caffeine.newBuilder()
                .maximumWeight(capacityBytes)
                .weigher((Integer block, byte[] bytes) -> bytes.length + ENTRY_OVERHEAD_BYTES)
                .initialCapacity((int) Math.min(usualBlocks + 1, 1 << 16))
                .executor(Runnable::run)
                .recordStats()
                .build();
    }

    /** The block's bytes, loaded if they are not here. Not to be written to. Throws what the loader throws. */
    byte[] get(int block) {
        byte[] present = blocks.getIfPresent(block);
        if (present != null) {
            return present;
        }
        byte[] loaded = blocks.get(block, loader);
        makeRoom();
        return loaded;
    }

    /** Evicts if there are too many blocks; again if another thread is just about to announce one it put in. */
    private void makeRoom() {
        for (int i = 0; i < MAX_EVICTION_ATTEMPTS && blocks.estimatedSize() > waitAboveBlocks; i++) {
            if (i > 0) {
                LockSupport.parkNanos(EVICTION_RETRY_NANOS);
            }
            blocks.cleanUp();
        }
    }

    /** How many blocks are referenced from here at this moment, those about to be evicted too. */
    long liveBlocks() {
        return blocks.estimatedSize();
    }

    /** What the cache has done and holds. */
    BlockCacheStatistics statistics() {
        blocks.cleanUp();
        CacheStats stats = blocks.stats();
        long weightBytes = blocks.policy()
                .eviction()
                .map(eviction -> eviction.weightedSize().orElse(0))
                .orElse(0L);
        return new BlockCacheStatistics(
                stats.hitCount(),
                stats.loadSuccessCount(),
                stats.loadFailureCount(),
                stats.evictionCount(),
                stats.totalLoadTime(),
                weightBytes);
    }

    /** Drops every block. */
    void clear() {
        blocks.invalidateAll();
        blocks.cleanUp();
    }
}
