package org.userload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.memory.RegionTable.Entry;

@Timeout(20)
class RegionTableTest {
    private static RegionTable table(Entry... entries) {
        return new RegionTable(PageSize.DEFAULT, List.of(entries));
    }

    @Test
    void adjacentRegions_areAllowed() {
        RegionTable table = table(new Entry(0, 2), new Entry(8192, 1), new Entry(1L << 40, 3));
        assertThat(table.totalPages()).isEqualTo(6);
        assertThat(table.totalBytes()).isEqualTo(6 * 4096);
    }

    @Test
    void overlappingOrUnorderedRegions_areRefused_byNumber() {
        assertThatThrownBy(() -> table(new Entry(0, 2), new Entry(4096, 1))).hasMessageContaining("region 1");
        assertThatThrownBy(() -> table(new Entry(8192, 1), new Entry(0, 1))).hasMessageContaining("region 1");
        assertThatThrownBy(() -> table(new Entry(0, 1), new Entry(0, 1))).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "0,0",
        "0,-1",
        "0,4294967297",
        "0,9223372036854775807",
        "1,1",
        "4095,1",
        "-4096,1",
        "-9223372036854775808,1",
        "9223372036854771712,1",
        "9223372036854771712,2"
    })
    void wrongEntry_isRefused(long address, long pages) {
        assertThatThrownBy(() -> table(new Entry(address, pages)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("region 0");
    }

    @Test
    void regionCount_isLimited() {
        assertThatThrownBy(() -> new RegionTable(PageSize.DEFAULT, List.of()))
                .isInstanceOf(IllegalArgumentException.class);
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < RegionTable.MAX_REGIONS; i++) {
            entries.add(new Entry((long) i << 12, 1));
        }
        assertThat(new RegionTable(PageSize.DEFAULT, entries).totalPages()).isEqualTo(RegionTable.MAX_REGIONS);
        entries.add(new Entry(1L << 40, 1));
        assertThatThrownBy(() -> new RegionTable(PageSize.DEFAULT, entries))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void table_keepsItsOwnCopy() {
        List<Entry> entries = new ArrayList<>(Collections.singletonList(new Entry(0, 1)));
        RegionTable table = new RegionTable(PageSize.DEFAULT, entries);
        entries.clear();
        assertThat(table.entries()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4096, 1, 2048, 4095, 4097, 12288, 4 << 20, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void wrongPageSize_isRefused(int bytes) {
        assertThatThrownBy(() -> new PageSize(bytes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(String.valueOf(bytes));
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,1", "4096,1", "4097,2", "9223372036854775807,2251799813685248"})
    void pagesFor_roundsUp(long length, long pages) {
        assertThat(PageSize.DEFAULT.pagesFor(length)).isEqualTo(pages);
    }

    @Test
    void morePagesThanTheLimit_areRefused_alsoInSeveralRegions() {
        List<RegionTable.Entry> entries = List.of(
                new RegionTable.Entry(0, RegionTable.MAX_PAGES / 2),
                new RegionTable.Entry(1L << 50, RegionTable.MAX_PAGES / 2),
                new RegionTable.Entry(1L << 51, 1));
        assertThatThrownBy(() -> new RegionTable(PageSize.DEFAULT, entries))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("together");
    }

    @Test
    void largestPage_hasItsShift() {
        assertThat(new PageSize(2 << 20).shift()).isEqualTo(21);
        assertThat(PageSize.DEFAULT.shift()).isEqualTo(12);
    }

    @ParameterizedTest
    @CsvSource({"-1,1", "0,0", "0,-1", "9223372036854775807,1"})
    void wrongPageRange_isRefused(long first, long count) {
        assertThatThrownBy(() -> new PageRange(first, count)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pageRange_endsAfterItsLastPage() {
        assertThat(new PageRange(5, 3).end()).isEqualTo(8);
        assertThat(new PageRange(Long.MAX_VALUE - 1, 1).end()).isEqualTo(Long.MAX_VALUE);
    }
}
