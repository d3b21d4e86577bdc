package org.userload.hint;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;
import org.userload.memory.PageRange;

/**
 * What memory a guest has, and what of it the guest has released: by a balloon, or by taking memory out.
 *
 * <p>The guest is not trusted. A message of ranges is done as a whole or refused as a whole; a refused one changes nothing,
 * and no reader ever sees a part of it. Refusals are counted by reason. Ranges are looked at in their order, first for what
 * is wrong with a range alone, then for what clashes.
 *
 * <p>Released pages always lie in memory that the guest has: taking memory out takes its released pages out of the set, and
 * memory that is there cannot be added. So memory that comes later never meets what was released before it came.
 *
 * <p>Any thread may call any method. Changes go one after the other; {@link #isReleased} and the sets wait for a change at
 * most as {@link RangeSet} says.
 */
public final class ReleasedMemory {
    private final Object changes = new Object();
    private final RangeSet memory;
    private final RangeSet released;
    private final long floorPages;
    private final Map<Refusal, LongAdder> refusals = Arrays.stream(Refusal.values())
            .collect(Collectors.toUnmodifiableMap(Function.identity(), reason -> new LongAdder()));

    /** For one range, so that it need not be allocated each time. Guarded by {@code changes}. */
    private final RangeBatch one = new RangeBatch();

    /**
     * A guest without memory, that may release all that it will have.
     *
     * @param mostPages pages of the address space into which memory may come, 1 to 2^36
     */
    public ReleasedMemory(long mostPages) {
        this(mostPages, 0);
    }

    /**
     * A guest without memory.
     *
     * @param mostPages pages of the address space into which memory may come, 1 to 2^36
     * @param floorPages that the guest must keep: what would leave it less is refused; not negative
     */
    public ReleasedMemory(long mostPages, long floorPages) {
        if (floorPages < 0) {
            throw new IllegalArgumentException("a guest cannot keep " + floorPages + " pages");
        }
        this.memory = new RangeSet(mostPages);
        this.released = new RangeSet(mostPages);
        this.floorPages = floorPages;
    }

    /** Pages of the address space into which memory may come. */
    public long mostPages() {
        return memory.limit();
    }

    /** Pages that the guest must keep. */
    public long floorPages() {
        return floorPages;
    }

    /**
     * Memory that the guest now has.
     *
     * @param first page
     * @param count pages
     */
    public HintResult addMemory(long first, long count) {
        return add(first, count, false);
    }

    /**
     * Memory that the guest may take into use: it has it from now on, all of it released.
     *
     * @param first page
     * @param count pages
     */
    public HintResult addReleasedMemory(long first, long count) {
        return add(first, count, true);
    }

    private HintResult add(long first, long count, boolean isReleased) {
        synchronized (changes) {
            Refusal refusal = shapeRefusal(first, count);
            if (refusal == null && first + count > memory.limit()) {
                refusal = Refusal.OUTSIDE_ADDRESS_SPACE;
            }
            if (refusal == null && memory.overlaps(first, count)) {
                refusal = Refusal.MEMORY_ALREADY;
            }
            if (refusal != null) {
                return refused(refusal, 0, first, count);
            }
            memory.add(first, count);
            if (isReleased) {
                released.add(first, count);
            }
            return new Accepted(count);
        }
    }

    /**
     * Memory that the guest has no more. What was released of it is forgotten.
     *
     * @param first page
     * @param count pages
     */
    public HintResult removeMemory(long first, long count) {
        return remove(first, count, false);
    }

    /**
     * As {@link #removeMemory}, if the guest has released all of it.
     *
     * @param first page
     * @param count pages
     */
    public HintResult removeReleasedMemory(long first, long count) {
        return remove(first, count, true);
    }

    private HintResult remove(long first, long count, boolean mustBeReleased) {
        synchronized (changes) {
            Refusal refusal = refusalOf(first, count);
            if (refusal == null && mustBeReleased && !released.contains(first, count)) {
                refusal = Refusal.BUSY;
            }
            if (refusal != null) {
                return refused(refusal, 0, first, count);
            }
            released.remove(first, count);
            memory.remove(first, count);
            return new Accepted(count);
        }
    }

    /** The guest does not need these pages. */
    public HintResult release(long first, long count) {
        synchronized (changes) {
            one.clear();
            return release(one.add(first, count));
        }
    }

    /** The guest does not need these pages; all of the message or nothing. */
    public HintResult release(RangeBatch message) {
        synchronized (changes) {
            Refused refused = firstRefused(message);
            if (refused != null) {
                return refused;
            }
            if (floorPages > 0 && leavesTooLittle(message)) {
                return refused(Refusal.BELOW_FLOOR);
            }
            int range = released.addAbsent(message);
            if (range == RangeSet.ALL) {
                return new Accepted(pages(message));
            }
            // The set is as before: if the range is not in the way of what was released, it is in the way of the
            // message.
            boolean before = released.overlaps(message.first(range), message.count(range));
            return refused(before ? Refusal.RELEASED_ALREADY : Refusal.OVERLAPS_ITSELF, range, message);
        }
    }

    /** The guest needs these pages again. */
    public HintResult reclaim(long first, long count) {
        synchronized (changes) {
            one.clear();
            return reclaim(one.add(first, count));
        }
    }

    /** The guest needs these pages again; all of the message or nothing. */
    public HintResult reclaim(RangeBatch message) {
        synchronized (changes) {
            Refused refused = firstRefused(message);
            if (refused != null) {
                return refused;
            }
            int range = released.removePresent(message);
            if (range == RangeSet.ALL) {
                return new Accepted(pages(message));
            }
            boolean before = released.contains(message.first(range), message.count(range));
            return refused(before ? Refusal.OVERLAPS_ITSELF : Refusal.NOT_RELEASED, range, message);
        }
    }

    /** Whether a page is released; not so for pages that the guest does not have. */
    public boolean isReleased(long page) {
        return released.contains(page);
    }

    /**
     * What the guest has of a chunk, which lies within the address space, at one moment.
     *
     * @throws IllegalArgumentException when it has a part of it
     */
    ChunkState stateOf(long first, long count) {
        synchronized (changes) {
            if (!memory.overlaps(first, count)) {
                return ChunkState.ABSENT;
            }
            if (!memory.contains(first, count)) {
                throw new IllegalArgumentException(
                        "the guest has a part of the " + count + " pages from page " + first);
            }
            return released.contains(first, count) ? ChunkState.UNUSED : ChunkState.IN_USE;
        }
    }

    /** The first released range, cut at {@code from}, that has a page at {@code from} or behind. */
    Optional<PageRange> nextReleased(long from) {
        return released.next(from);
    }

    /** The first range of memory, cut at {@code from}, that has a page at {@code from} or behind. */
    Optional<PageRange> nextMemory(long from) {
        return memory.next(from);
    }

    /** What is released now, at one moment. */
    public RangeSnapshot released() {
        return released.snapshot();
    }

    /** What memory the guest has now, at one moment. */
    public RangeSnapshot memory() {
        return memory.snapshot();
    }

    /** Pages that are released. */
    public long releasedPages() {
        return released.pages();
    }

    /** Pages that the guest has, released or not. */
    public long memoryPages() {
        return memory.pages();
    }

    /** How many messages were refused for a reason. */
    public long refusals(Refusal reason) {
        return counter(reason).sum();
    }

    /** Pages count each time that the message names them; one that names pages twice is refused anyway. */
    private boolean leavesTooLittle(RangeBatch message) {
        long left = memory.pages() - released.pages() - floorPages;
        for (int i = 0; i < message.size() && left >= 0; i++) {
            left -= message.count(i);
        }
        return left < 0;
    }

    private @Nullable Refused firstRefused(RangeBatch message) {
        if (message.size() == 0) {
            return refused(Refusal.EMPTY);
        }
        // The piece of memory in which the last range lay; the next one mostly does too.
        long knownFirst = 0;
        long knownEnd = 0;
        for (int i = 0; i < message.size(); i++) {
            long first = message.first(i);
            long count = message.count(i);
            if (count > 0 && first >= knownFirst && first < knownEnd && count <= knownEnd - first) {
                continue;
            }
            Refusal refusal = refusalOf(first, count);
            if (refusal != null) {
                return refused(refusal, i, message);
            }
            knownFirst = first;
            knownEnd = memory.next(first).orElseThrow().end();
        }
        return null;
    }

    private @Nullable Refusal refusalOf(long first, long count) {
        Refusal refusal = shapeRefusal(first, count);
        if (refusal != null) {
            return refusal;
        }
        boolean inMemory = first + count <= memory.limit() && memory.contains(first, count);
        return inMemory ? null : Refusal.OUTSIDE_MEMORY;
    }

    private static @Nullable Refusal shapeRefusal(long first, long count) {
        if (count == 0) {
            return Refusal.EMPTY;
        }
        return first < 0 || count < 0 || first > Long.MAX_VALUE - count ? Refusal.OVERFLOWING : null;
    }

    private static long pages(RangeBatch message) {
        long sum = 0;
        for (int i = 0; i < message.size(); i++) {
            sum += message.count(i);
        }
        return sum;
    }

    /** Refuses a message as a whole. */
    Refused refused(Refusal reason) {
        return refused(reason, -1, 0, 0);
    }

    private LongAdder counter(Refusal reason) {
        return Objects.requireNonNull(refusals.get(reason));
    }

    private Refused refused(Refusal reason, int range, RangeBatch message) {
        return refused(reason, range, message.first(range), message.count(range));
    }

    Refused refused(Refusal reason, int range, long first, long count) {
        counter(reason).increment();
        return new Refused(reason, range, first, count);
    }
}
