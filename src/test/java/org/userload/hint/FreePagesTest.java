package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** Hints of free pages: which count, which do not, and that none undoes what a collection has found. */
@Timeout(60)
class FreePagesTest {
    private static final long HIGH = Long.MAX_VALUE - (1L << 20) + 1;

    /** Two regions that meet, one apart, and one that ends where the addresses do. */
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(1 << 12, 100),
                    new RegionTable.Entry(101 << 12, 28),
                    new RegionTable.Entry(1L << 40, 70),
                    new RegionTable.Entry(HIGH - (1 << 12), 256)));

    private final FreePages free = new FreePages(TABLE);

    private int epoch() {
        free.watch();
        return free.beginEpoch();
    }

    @Test
    void hintOfTheEpoch_counts_alsoTwice() {
        int id = epoch();
        assertThat(free.hint(id, 1 << 12, 100)).isEqualTo(HintOutcome.TAKEN);
        assertThat(free.hint(id, 1 << 12, 100)).isEqualTo(HintOutcome.TAKEN);
        assertThat(free.count()).isEqualTo(100);
        assertThat(free.hints(HintOutcome.TAKEN)).isEqualTo(2);
        assertThat(free.isFree(0, 0)).isTrue();
        assertThat(free.isFree(0, 99)).isTrue();
    }

    @Test
    void rangeOverRegionsThatMeet_countsInBoth() {
        assertThat(free.hint(epoch(), 99 << 12, 5)).isEqualTo(HintOutcome.TAKEN);
        assertThat(free.freeFrom(0, 98, 100)).isEqualTo(2);
        assertThat(free.freeFrom(1, 0, 28)).isEqualTo(3);
        assertThat(free.count()).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({
        "0x1000, 0, MALFORMED",
        "0x1000, -1, MALFORMED",
        "0x1000, -9223372036854775808, MALFORMED",
        "0x1001, 1, MALFORMED",
        "-4096, 1, MALFORMED",
        "-9223372036854775808, 1, MALFORMED",
        "-9223372036854775808, 9223372036854775807, MALFORMED",
        "0x0, 1, OUTSIDE_MEMORY",
        "0x0, 2, OUTSIDE_MEMORY",
        "0x1000, 129, OUTSIDE_MEMORY",
        "0x1000, 4503599627370496, OUTSIDE_MEMORY",
        "0x1000, 9223372036854775807, OUTSIDE_MEMORY",
        "0x80000, 2, OUTSIDE_MEMORY",
        "0x81000, 1, OUTSIDE_MEMORY",
        "0x10000000000, 71, OUTSIDE_MEMORY",
        "0x10000046000, 1, OUTSIDE_MEMORY",
        "0x7ffffffffffff000, 1, OUTSIDE_MEMORY",
        "0x7fffffffffeff000, 257, OUTSIDE_MEMORY",
        "0x7fffffffffeff000, 9223372036854775807, OUTSIDE_MEMORY",
        "0x7fffffffffefe000, 2, OUTSIDE_MEMORY"
    })
    void rangeThatIsNone_isRefused_counted_andChangesNothing(String address, String pages, HintOutcome outcome) {
        int id = epoch();
        assertThat(free.hint(id, Long.decode(address), Long.parseLong(pages))).isEqualTo(outcome);
        assertThat(free.hints(outcome)).isOne();
        assertThat(free.count()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "0x1000, 128, 128",
        "0x80000, 1, 1",
        "0x10000000000, 70, 70",
        "0x7fffffffffeff000, 256, 256",
        "0x7fffffffffffe000, 1, 1"
    })
    void rangeUpToTheBorder_counts(String address, long pages, long counted) {
        assertThat(free.hint(epoch(), Long.decode(address), pages)).isEqualTo(HintOutcome.TAKEN);
        assertThat(free.count()).isEqualTo(counted);
    }

    @Test
    void anyRange_endsAsPageByPageReasoningSays() {
        SplittableRandom random = Seeds.random("FreePagesTest");
        int id = epoch();
        long[] near = {0, 1 << 12, 101 << 12, 129 << 12, 1L << 40, (1L << 40) + (70 << 12), HIGH, Long.MAX_VALUE};
        for (int i = 0; i < 20_000; i++) {
            long address = near[random.nextInt(near.length)] + (random.nextLong(-130, 130) << 12);
            long pages = random.nextInt(4) == 0 ? random.nextLong() >>> random.nextInt(64) : random.nextLong(0, 260);
            long before = free.count();
            HintOutcome outcome = free.hint(id, address, pages);
            boolean inside = pages > 0 && pages < 1000 && address >= 0 && (address & 4095) == 0;
            for (long page = 0; inside && page < pages; page++) {
                inside = isMemory(address + (page << 12));
            }
            if (inside) {
                assertThat(outcome).as("%x, %d", address, pages).isEqualTo(HintOutcome.TAKEN);
                for (int region = 0; region < 4; region++) {
                    free.used(region, 0, TABLE.entries().get(region).pageCount());
                }
            } else {
                assertThat(outcome)
                        .as("%x, %d", address, pages)
                        .isIn(HintOutcome.MALFORMED, HintOutcome.OUTSIDE_MEMORY);
                assertThat(free.count()).isEqualTo(before);
            }
        }
    }

    private static boolean isMemory(long address) {
        return TABLE.entries().stream()
                .anyMatch(e -> address >= e.guestAddress() && address - e.guestAddress() < e.pageCount() << 12);
    }

    @Test
    void lateHint_afterTheCollection_isRefused_andTheWrittenPageStaysInUse() {
        int first = epoch();
        assertThat(free.hint(first, 1 << 12, 10)).isEqualTo(HintOutcome.TAKEN);
        free.endEpoch();
        free.used(0, 3, 1);
        assertThat(free.hint(first, 1 << 12, 10)).isEqualTo(HintOutcome.STALE);
        int second = free.beginEpoch();
        assertThat(second).isNotEqualTo(first);
        assertThat(free.hint(first, 1 << 12, 10)).isEqualTo(HintOutcome.STALE);
        assertThat(free.isFree(0, 3)).isFalse();
        assertThat(free.count()).isEqualTo(9);
        assertThat(free.hints(HintOutcome.STALE)).isEqualTo(2);
        assertThat(free.hint(second, 4 << 12, 1)).isEqualTo(HintOutcome.TAKEN);
        assertThat(free.isFree(0, 3)).isTrue();
    }

    @Test
    void hintOutsideOfAnyEpoch_isStale() {
        assertThat(free.hint(FreePages.NO_EPOCH, 1 << 12, 1)).isEqualTo(HintOutcome.STALE);
        int id = epoch();
        assertThat(free.hint(id + 1, 1 << 12, 1)).isEqualTo(HintOutcome.STALE);
        assertThat(free.hint(-id, 1 << 12, 1)).isEqualTo(HintOutcome.STALE);
        free.endEpoch();
        assertThat(free.hint(FreePages.NO_EPOCH, 1 << 12, 1)).isEqualTo(HintOutcome.STALE);
        assertThat(free.count()).isZero();
    }

    @Test
    void epoch_cannotBegin_beforeWritesAreWatched() {
        assertThatThrownBy(free::beginEpoch).isInstanceOf(IllegalStateException.class);
    }

    /** A flood of hints of an epoch that ends: whatever a collection clears after it stays clear. */
    @Test
    void hintsThatRaceWithTheEnd_neverComeAfterIt() throws Exception {
        free.watch();
        AtomicBoolean over = new AtomicBoolean();
        int[] asked = new int[1];
        asked[0] = free.beginEpoch();
        List<FutureTask<Object>> guests = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            guests.add(Threads.start(() -> {
                int id = asked[0];
                while (!over.get()) {
                    free.hint(id, 1 << 12, 128);
                    synchronized (asked) {
                        id = asked[0];
                    }
                }
                return null;
            }));
        }
        try {
            for (int i = 0; i < 20_000; i++) {
                free.endEpoch();
                free.used(0, 0, 100);
                free.used(1, 0, 28);
                assertThat(free.count()).isZero();
                synchronized (asked) {
                    asked[0] = free.beginEpoch();
                }
            }
        } finally {
            over.set(true);
        }
        for (FutureTask<Object> guest : guests) {
            Threads.join(guest, 20);
        }
        assertThat(free.hints(HintOutcome.TAKEN)).isPositive();
    }

    @Test
    void droppedPages_areEmptyUntilWrittenTo() {
        free.dropped(0, 1, 1);
        assertThat(free.emptyFrom(0, 1, 100)).as("nobody would see a write").isZero();
        free.watch();
        free.dropped(0, 10, 20);
        assertThat(free.emptyFrom(0, 10, 100)).isEqualTo(20);
        free.used(0, 15, 1);
        assertThat(free.emptyFrom(0, 10, 100)).isEqualTo(5);
        assertThat(free.emptyFrom(0, 15, 100)).isZero();
    }

    /** A guest that has such a page back relies on its zeros, so it must not come up with the pattern. */
    @Test
    void pageThatIsDropped_isNoFreePage_whateverIsHinted() {
        int id = epoch();
        free.hint(id, 1 << 12, 100);
        free.dropped(0, 10, 5);
        free.hint(id, 1 << 12, 100);
        assertThat(free.freeFrom(0, 0, 100)).isEqualTo(10);
        assertThat(free.freeFrom(0, 10, 100)).isZero();
        assertThat(free.freeFrom(0, 15, 100)).isEqualTo(85);
    }

    @Test
    void neededPages_areThoseNeitherSentNorFreeNorEmpty() {
        AtomicBitmap sent = new AtomicBitmap(100);
        int id = epoch();
        assertThat(free.neededBeside(0, sent)).isEqualTo(100);
        sent.set(0, 10);
        free.hint(id, (1 + 5) << 12, 10);
        free.dropped(0, 90, 10);
        assertThat(free.neededBeside(0, sent)).isEqualTo(100 - 15 - 10);
    }
}
