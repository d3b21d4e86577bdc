package org.userload.hint;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;

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
    private final Map<Refusal, LongAdder> refusals = Arrays.stream(Refusal.values())
            .collect(Collectors.toUnmodifiableMap(Function.identity(), reason -> new LongAdder()));

    /** For one range, so that it need not be allocated each time. Guarded by {@code changes}. */
    private final RangeBatch one = new RangeBatch();

    /**
     * A guest without memory.
     *
     * @param mostPages pages of the address space into which memory may come, 1 to 2^36
     */
    public ReleasedMemory(long mostPages) {
        this.memory = new RangeSet(mostPages);
        this.released = new RangeSet(mostPages);
    }

    /**
     * Memory that the guest now has.
     *
     * @param first page
     * @param count pages
     */
    public HintResult addMemory(long first, long count) {
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
        synchronized (changes) {
            Refusal refusal = refusalOf(first, count);
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

    private @Nullable Refused firstRefused(RangeBatch message) {
        if (message.size() == 0) {
            return refused(Refusal.EMPTY, -1, 0, 0);
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

    private LongAdder counter(Refusal reason) {
        return Objects.requireNonNull(refusals.get(reason));
    }

    private Refused refused(Refusal reason, int range, RangeBatch message) {
        return refused(reason, range, message.first(range), message.count(range));
    }

    private Refused refused(Refusal reason, int range, long first, long count) {
        counter(reason).increment();
        return new Refused(reason, range, first, count);
    }
}
