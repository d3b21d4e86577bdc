package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.LongBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;

/** Many hints at once do what each of them alone does. */
@Timeout(60)
class FreePagesSinkTest {
    private static final long GAP_END = 3000;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 1000), new RegionTable.Entry(GAP_END << 12, 777)));

    @Test
    void bitsAndRanges_markWhatSingleHintsMark_andNothingElse() {
        SplittableRandom random = Seeds.random("bitsAndRanges_markWhatSingleHintsMark");
        for (int round = 0; round < 500; round++) {
            FreePages alone = new FreePages(TABLE);
            FreePages together = new FreePages(TABLE);
            alone.watch();
            together.watch();
            int id = alone.beginEpoch();
            assertThat(together.beginEpoch()).isEqualTo(id);
            int words = 1 + random.nextInt(20);
            long first = random.nextInt(4000);
            long[] bits = new long[words];
            for (int i = 0; i < words; i++) {
                bits[i] = random.nextInt(3) == 0 ? random.nextLong() : random.nextBoolean() ? -1L : 0;
            }
            FreeBits message = new FreeBits(first, (long) words * Long.SIZE, LongBuffer.wrap(bits));
            message.forEachRun((page, count) -> alone.hint(id, page << 12, count));
            together.sink(id).freeBits(message);
            RangeBatch ranges = new RangeBatch();
            for (int i = 0; i < 5; i++) {
                ranges.add(random.nextInt(4000), 1 + random.nextInt(50));
                alone.hint(id, ranges.first(i) << 12, ranges.count(i));
            }
            together.sink(id).freeRanges(ranges);
            assertThat(pages(together)).isEqualTo(pages(alone));
        }
    }

    private static String pages(FreePages free) {
        StringBuilder pages = new StringBuilder();
        for (int region = 0; region < TABLE.entries().size(); region++) {
            for (long page = 0; page < TABLE.entries().get(region).pageCount(); page++) {
                pages.append(free.isFree(region, page) ? '1' : '0');
            }
        }
        return pages.toString();
    }

    @Test
    void bitsOfAnEpochThatIsOver_markNothing_andCountAsStale() {
        FreePages free = new FreePages(TABLE);
        free.watch();
        int id = free.beginEpoch();
        FreePageSink sink = free.sink(id);
        free.endEpoch();
        sink.freeBits(new FreeBits(0, 64, LongBuffer.wrap(new long[] {-1L})));
        sink.freeRanges(new RangeBatch().add(5, 6));
        sink.free(0, 1);
        free.beginEpoch();
        sink.freeBits(new FreeBits(0, 64, LongBuffer.wrap(new long[] {-1L})));
        assertThat(free.count()).isZero();
        assertThat(free.hints(HintOutcome.STALE)).isEqualTo(4);
    }
}
