package org.userload.hint;

import java.util.BitSet;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Memory that comes and goes while a guest runs, in chunks of one size over a part of its address space that is reserved for
 * them. As many as fit, thousands; a chunk costs a bit.
 *
 * <p>A chunk that is plugged in lies in the guest's {@link Balloon} at first. The guest takes it into use by deflating, page by
 * page or as a whole, and gives it back by inflating. It can be removed while all of it is in the balloon, and its addresses
 * get memory again when they are plugged in the next time: zero pages.
 *
 * <p>For a migration, addresses without memory are as good as ballooned, so chunks come and go at any time of one.
 *
 * <p><b>Threads.</b> Any. <b>Ownership.</b> None of the memory, which the regions of the guest have reserved.
 */
public final class MemoryChunks {
    private final Balloon balloon;
    private final long firstPage;
    private final long chunkPages;
    private final int chunks;
    private final ChunkListener listener;
    private final Queue<Integer> newlyUnused = new ConcurrentLinkedQueue<>();

    /** Chunks of which the guest uses a page. Guarded by the balloon's lock. */
    private final BitSet inUse;

    /**
     * @param balloon of the guest; it may have memory in these chunks already, in whole ones
     * @param firstPage of the first chunk, by guest address
     * @param chunkPages pages of a chunk, at least 1
     * @param chunks how many may be plugged in, at least 1
     * @throws IllegalArgumentException when they do not lie in regions, or hold a part of a chunk
     */
    public MemoryChunks(Balloon balloon, long firstPage, long chunkPages, int chunks, ChunkListener listener) {
        if (chunkPages < 1
                || chunks < 1
                || chunkPages > RangeSet.MOST_PAGES / chunks
                || !balloon.hasAddresses(firstPage, chunkPages * chunks)) {
            throw new IllegalArgumentException(chunks + " chunks of " + chunkPages + " pages from page " + firstPage
                    + " do not lie within the regions of the guest");
        }
        this.balloon = balloon;
        this.firstPage = firstPage;
        this.chunkPages = chunkPages;
        this.chunks = chunks;
        this.listener = listener;
        this.inUse = new BitSet(chunks);
        balloon.watch(new Follower(), this::findUsed);
    }

    private void findUsed() {
        for (int chunk = 0; chunk < chunks; chunk++) {
            inUse.set(chunk, state(chunk) == ChunkState.IN_USE);
        }
    }

    /** Chunks, with memory or without. */
    public int count() {
        return chunks;
    }

    /** First page of a chunk, by guest address. */
    public long firstPage(int chunk) {
        return firstPage + Objects.checkIndex(chunk, chunks) * chunkPages;
    }

    /** Pages of each chunk. */
    public long chunkPages() {
        return chunkPages;
    }

    public ChunkState state(int chunk) {
        return balloon.memory().stateOf(firstPage(chunk), chunkPages);
    }

    /**
     * Gives the guest a chunk: zero pages, which it may take into use.
     *
     * @return {@link Refusal#MEMORY_ALREADY} when it has it, {@link Refusal#MOVING} while it is handed over
     * @throws IndexOutOfBoundsException when there is no such chunk
     */
    public HintResult plug(int chunk) {
        return balloon.plug(firstPage(chunk), chunkPages);
    }

    /**
     * Takes a chunk out.
     *
     * @return {@link Refusal#BUSY} while the guest uses a page of it, {@link Refusal#OUTSIDE_MEMORY} when it does not have it,
     *     {@link Refusal#MOVING} while it is handed over
     * @throws IndexOutOfBoundsException when there is no such chunk
     */
    public HintResult remove(int chunk) {
        return balloon.unplug(firstPage(chunk), chunkPages);
    }

    private final class Follower implements Balloon.Watcher {
        @Override
        public void done(RangeBatch message, boolean inflated) {
            for (int i = 0; i < message.size(); i++) {
                long from = Math.max(message.first(i), firstPage) - firstPage;
                long to = Math.min(message.first(i) + message.count(i) - firstPage, chunks * chunkPages);
                if (from >= to) {
                    continue;
                }
                int first = (int) (from / chunkPages);
                int end = (int) ((to - 1) / chunkPages) + 1;
                if (inflated) {
                    released(first, end);
                } else {
                    inUse.set(first, end);
                }
            }
        }

        private void released(int first, int end) {
            for (int chunk = inUse.nextSetBit(first); chunk >= 0 && chunk < end; chunk = inUse.nextSetBit(chunk + 1)) {
                if (state(chunk) == ChunkState.UNUSED) {
                    inUse.clear(chunk);
                    newlyUnused.add(chunk);
                }
            }
        }

        @Override
        public void afterwards() {
            for (Integer chunk = newlyUnused.poll(); chunk != null; chunk = newlyUnused.poll()) {
                listener.unused(chunk);
            }
        }
    }
}
