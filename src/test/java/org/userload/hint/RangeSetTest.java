package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.memory.PageRange;

@Timeout(30)
class RangeSetTest {
    @ParameterizedTest
    @CsvSource({
        "-1, 1",
        "0, 0",
        "0, -1",
        "0, 101",
        "100, 1",
        "99, 2",
        "9223372036854775807, 1",
        "1, 9223372036854775807",
        "9223372036854775807, 9223372036854775807",
        "-9223372036854775808, -9223372036854775808",
        "50, -9223372036854775808"
    })
    void rangeOutsideTheAddressSpace_isRefusedByEveryOperation(long first, long count) {
        RangeSet set = new RangeSet(100);
        set.add(10, 5);
        assertThatThrownBy(() -> set.add(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> set.remove(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> set.contains(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> set.overlaps(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        RangeBatch batch = new RangeBatch().add(50, 2).add(first, count);
        assertThatThrownBy(() -> set.addAbsent(batch)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> set.removePresent(batch)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(RangeModel.ranges(set.snapshot())).containsExactly(new PageRange(10, 5));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE, RangeSet.MOST_PAGES + 1, Long.MAX_VALUE})
    void addressSpace_ofAnImpossibleSize_isRefused(long pages) {
        assertThatThrownBy(() -> new RangeSet(pages))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(Long.toString(pages));
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, 100, Long.MAX_VALUE})
    void pageOutsideTheAddressSpace_isNotContained(long page) {
        RangeSet set = new RangeSet(100);
        set.add(0, 100);
        assertThat(set.contains(page)).isFalse();
        assertThat(set.contains(0)).isTrue();
        assertThat(set.contains(99)).isTrue();
    }

    @Test
    void neighbours_merge_andAHole_splits() {
        RangeSet set = new RangeSet(1000);
        assertThat(set.add(10, 10)).isEqualTo(10);
        assertThat(set.add(30, 10)).isEqualTo(10);
        assertThat(set.ranges()).isEqualTo(2);
        assertThat(set.add(15, 20)).isEqualTo(10);
        assertThat(RangeModel.ranges(set.snapshot())).containsExactly(new PageRange(10, 30));
        assertThat(set.remove(20, 1)).isEqualTo(1);
        assertThat(RangeModel.ranges(set.snapshot())).containsExactly(new PageRange(10, 10), new PageRange(21, 19));
    }

    @Test
    void theLargestAddressSpace_isUsableToItsLastPage_inEveryForm() {
        long last = RangeSet.MOST_PAGES - 1;
        RangeSet set = new RangeSet(RangeSet.MOST_PAGES);
        set.add(0, RangeSet.MOST_PAGES);
        assertThat(set.pages()).isEqualTo(RangeSet.MOST_PAGES);
        assertThat(set.ranges()).isEqualTo(1);
        int holes = 6000;
        for (int i = 0; i < holes; i++) {
            assertThat(set.remove(last - 2L * i, 1)).isEqualTo(1);
        }
        assertThat(set.ranges()).isEqualTo(holes);
        assertThat(set.contains(last)).isFalse();
        assertThat(set.contains(last - 1)).isTrue();
        assertThat(set.next(last - 1)).contains(new PageRange(last - 1, 1));
        assertThat(set.next(last)).isEmpty();
        assertThat(set.remove(0, RangeSet.MOST_PAGES)).isEqualTo(RangeSet.MOST_PAGES - holes);
        assertThat(set.ranges()).isZero();
    }

    @Test
    void batch_isAppliedAsAWhole_orNotAtAll() {
        RangeSet set = new RangeSet(1000);
        assertThat(set.addAbsent(new RangeBatch().add(100, 10).add(0, 5).add(110, 1)))
                .isEqualTo(RangeSet.ALL);
        List<PageRange> before = RangeModel.ranges(set.snapshot());
        assertThat(before).containsExactly(new PageRange(0, 5), new PageRange(100, 11));
        assertThat(set.addAbsent(new RangeBatch().add(5, 95).add(109, 3))).isEqualTo(1);
        assertThat(set.addAbsent(new RangeBatch().add(5, 3).add(20, 3).add(22, 1)))
                .isEqualTo(2);
        assertThat(set.removePresent(new RangeBatch().add(0, 5).add(110, 2))).isEqualTo(1);
        assertThat(set.removePresent(new RangeBatch().add(0, 5).add(4, 1))).isEqualTo(1);
        assertThat(RangeModel.ranges(set.snapshot())).isEqualTo(before);
        assertThat(set.removePresent(new RangeBatch().add(101, 2).add(0, 5))).isEqualTo(RangeSet.ALL);
        assertThat(RangeModel.ranges(set.snapshot())).containsExactly(new PageRange(100, 1), new PageRange(103, 8));
    }

    @Test
    void snapshot_staysAsItWas_whenTheSetChanges() {
        RangeSet set = new RangeSet(1 << 20);
        for (int i = 0; i < 2000; i++) {
            set.add(3L * i, 1);
        }
        RangeSnapshot snapshot = set.snapshot();
        set.remove(0, 1 << 20);
        assertThat(snapshot.ranges()).isEqualTo(2000);
        assertThat(snapshot.pages()).isEqualTo(2000);
        assertThat(RangeModel.ranges(snapshot)).hasSize(2000).last().isEqualTo(new PageRange(5997, 1));
        assertThat(snapshot.next(5)).contains(new PageRange(6, 1));
        assertThat(snapshot.next(5998)).isEmpty();
    }
}
