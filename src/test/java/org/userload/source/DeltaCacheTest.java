package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;

/** What the cache holds of a page is what was stored last, whatever was pushed out or forgotten meanwhile. */
class DeltaCacheTest {
    private static final int PAGE = 4096;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 50), new RegionTable.Entry(1L << 30, 70)));

    private static ByteBuffer page(long content) {
        ByteBuffer page = ByteBuffer.allocateDirect(8 + PAGE);
        for (int at = 8; at < page.capacity(); at += Long.BYTES) {
            page.putLong(at, content + at);
        }
        return page;
    }

    private static void assertHolds(DeltaCache cache, int region, long page, ByteBuffer content) {
        int slot = cache.find(region, page);
        assertThat(slot).isNotNegative();
        assertThat(cache.bufferOf(slot).slice(cache.offsetOf(slot), PAGE)).isEqualTo(content.slice(8, PAGE));
    }

    @Test
    void whatIsFound_isWhatWasStoredLast() {
        SplittableRandom random = Seeds.random("DeltaCacheTest");
        for (int slots : new int[] {1, 2, 7, 64, 1000}) {
            Map<Long, ByteBuffer> stored = new HashMap<>();
            int found = 0;
            try (DeltaCache cache = new DeltaCache(TABLE, (long) slots * PAGE)) {
                for (int step = 0; step < 20_000; step++) {
                    if (random.nextInt(100) == 0) {
                        cache.beginRound();
                    }
                    int region = random.nextInt(2);
                    long page = random.nextInt(region == 0 ? 50 : 70);
                    long key = region * 1000L + page;
                    if (random.nextInt(10) == 0) {
                        int count = (int) Math.min((region == 0 ? 50 : 70) - page, 1 + random.nextInt(5));
                        cache.forget(region, page, count);
                        for (int i = 0; i < count; i++) {
                            assertThat(cache.find(region, page + i)).isEqualTo(-1);
                            stored.remove(key + i);
                        }
                    } else {
                        ByteBuffer content = page(random.nextLong());
                        cache.store(region, page, content, 8);
                        stored.put(key, content);
                    }
                    long looked = random.nextInt(region == 0 ? 50 : 70);
                    if (cache.find(region, looked) >= 0) {
                        assertHolds(cache, region, looked, Objects.requireNonNull(stored.get(region * 1000L + looked)));
                        found++;
                    }
                }
            }
            assertThat(found).isPositive();
        }
    }

    @Test
    void firstRound_fillsEmptySlotsOnly() {
        try (DeltaCache cache = new DeltaCache(TABLE, 10 * PAGE)) {
            cache.beginRound();
            cache.store(0, 3, page(1), 8);
            cache.store(0, 13, page(2), 8);
            assertThat(cache.isLaterRound()).isFalse();
            assertHolds(cache, 0, 3, page(1));
            assertThat(cache.find(0, 13)).isEqualTo(-1);
        }
    }

    @Test
    void pageThatIsSentAgainAndAgain_isNotPushedOut_oneThatIsNot_is() {
        try (DeltaCache cache = new DeltaCache(TABLE, 10 * PAGE)) {
            cache.beginRound();
            cache.store(0, 3, page(1), 8);
            cache.beginRound();
            cache.store(0, 13, page(2), 8);
            assertThat(cache.find(0, 13)).isEqualTo(-1);
            cache.store(0, 3, page(3), 8);
            cache.beginRound();
            cache.beginRound();
            cache.store(0, 13, page(4), 8);
            assertHolds(cache, 0, 13, page(4));
            assertThat(cache.find(0, 3)).isEqualTo(-1);
        }
    }

    @Test
    void closedCache_holdsNothing() {
        DeltaCache cache = new DeltaCache(TABLE, 10 * PAGE);
        cache.store(0, 3, page(1), 8);
        cache.close();
        cache.close();
        assertThat(cache.find(0, 3)).isEqualTo(-1);
    }

    @Test
    void lessThanAPage_isRefused() {
        assertThatThrownBy(() -> new DeltaCache(TABLE, PAGE - 1)).hasMessageContaining("at least a page");
    }
}
