package org.userload.source;

/**
 * What a cache of decompressed blocks has done since it was opened, and what it holds now.
 *
 * @param hits lookups of blocks that were there or that another thread was just loading
 * @param loads blocks read, decompressed and verified
 * @param failedLoads blocks that could not be read or were corrupt
 * @param evictions blocks dropped to make room
 * @param loadNanos time all loads took together, in nanoseconds
 * @param weightBytes what the blocks held now take, with their bookkeeping, in bytes
 */
public record BlockCacheStatistics(
        long hits, long loads, long failedLoads, long evictions, long loadNanos, long weightBytes) {
    /** Lookups of blocks that were not there. */
    public long misses() {
        return loads + failedLoads;
    }
}
