package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.userload.memory.PageRange;

/** What a set of pages should hold, one bit a page, and the comparison with what it holds. */
final class RangeModel {
    private final BitSet bits = new BitSet();

    long add(long first, long count) {
        long before = bits.get((int) first, (int) (first + count)).cardinality();
        bits.set((int) first, (int) (first + count));
        return count - before;
    }

    long remove(long first, long count) {
        long before = bits.get((int) first, (int) (first + count)).cardinality();
        bits.clear((int) first, (int) (first + count));
        return before;
    }

    boolean overlaps(long first, long count) {
        int next = bits.nextSetBit((int) first);
        return next >= 0 && next < first + count;
    }

    boolean contains(long first, long count) {
        return bits.nextClearBit((int) first) >= first + count;
    }

    Optional<PageRange> next(long from) {
        int first = bits.nextSetBit((int) from);
        return first < 0 ? Optional.empty() : Optional.of(new PageRange(first, bits.nextClearBit(first) - first));
    }

    List<PageRange> ranges() {
        List<PageRange> ranges = new ArrayList<>();
        for (Optional<PageRange> range = next(0);
                range.isPresent();
                range = next(range.orElseThrow().end())) {
            ranges.add(range.orElseThrow());
        }
        return ranges;
    }

    /** Everything that can be counted or walked. */
    void compareWith(RangeSet set) {
        RangeSnapshot snapshot = set.snapshot();
        assertThat(ranges(snapshot)).isEqualTo(ranges());
        assertThat(set.pages()).isEqualTo(bits.cardinality());
        assertThat(set.ranges()).isEqualTo(ranges().size());
        assertThat(snapshot.pages()).isEqualTo(set.pages());
        assertThat(snapshot.ranges()).isEqualTo(set.ranges());
    }

    static List<PageRange> ranges(RangeSnapshot snapshot) {
        List<PageRange> ranges = new ArrayList<>();
        snapshot.forEach((first, count) -> ranges.add(new PageRange(first, count)));
        return ranges;
    }
}
