package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.channel.ChannelLayout;
import org.userload.channel.RefusedFrameException;
import org.userload.memory.PageRange;
import org.userload.support.Seeds;

@Timeout(60)
class MemoryMessageTest {
    private static final int PAGES = 1 << 15;

    /** What messages of a report hold, decoded by what the host uses. */
    private static final class Decoded {
        private final BitSet pages = new BitSet();
        private final List<PageRange> runs = new ArrayList<>();
        private int messages;
        private int bytes;

        boolean take(long id, int type, ByteBuffer body) {
            messages++;
            bytes += body.remaining();
            assertThat(body.remaining()).isLessThanOrEqualTo(ChannelLayout.MAX_BODY_BYTES);
            ByteBuffer copy =
                    ByteBuffer.allocate(body.remaining()).put(body.duplicate()).flip();
            try {
                assertThat(MemoryMessage.id(copy)).isEqualTo(id);
                if (type == MemoryMessage.FREE_RANGES) {
                    RangeBatch ranges = new RangeBatch();
                    MemoryMessage.ranges(copy, ranges);
                    for (int i = 0; i < ranges.size(); i++) {
                        add(ranges.first(i), ranges.count(i));
                    }
                } else {
                    assertThat(type).isEqualTo(MemoryMessage.FREE_BITMAP);
                    MemoryMessage.bits(copy).forEachRun(this::add);
                }
            } catch (RefusedFrameException e) {
                throw new AssertionError(e);
            }
            return true;
        }

        private void add(long first, long count) {
            runs.add(new PageRange(first, count));
            if (first + count <= PAGES) {
                pages.set((int) first, (int) (first + count));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 70, 2000})
    void rangesOfAnyDensity_arriveAsTheyWere_asRangesAndAsBits(int meanGap) throws Exception {
        SplittableRandom random = Seeds.random("rangesOfAnyDensity");
        for (boolean mayTurnIntoBits : new boolean[] {false, true}) {
            for (int round = 0; round < 15; round++) {
                BitSet free = new BitSet();
                Decoded decoded = new Decoded();
                HintWriter writer = new HintWriter(42, (type, body) -> decoded.take(42, type, body), mayTurnIntoBits);
                int page = random.nextInt(100);
                while (page < PAGES - 200) {
                    int count = 1 + random.nextInt(random.nextInt(20) == 0 ? 200 : 2);
                    free.set(page, page + count);
                    assertThat(writer.range(page, count)).isTrue();
                    page += count + random.nextInt(meanGap);
                }
                writer.flush();
                assertThat(decoded.pages).isEqualTo(free);
            }
        }
    }

    @Test
    void rangesThatLieCloseTogether_goAsBits_whichIsShorter() throws Exception {
        Decoded asRanges = new Decoded();
        Decoded shortest = new Decoded();
        HintWriter ranges = new HintWriter(1, (type, body) -> asRanges.take(1, type, body), false);
        HintWriter any = new HintWriter(1, (type, body) -> shortest.take(1, type, body), true);
        for (int page = 0; page < PAGES; page += 2) {
            ranges.range(page, 1);
            any.range(page, 1);
        }
        ranges.flush();
        any.flush();
        assertThat(asRanges.bytes).isGreaterThan(8 * PAGES / 2);
        assertThat(shortest.bytes).isLessThan(PAGES / 8 + 200);
        assertThat(shortest.pages).isEqualTo(asRanges.pages);
    }

    @Test
    void rangesInNoOrder_arriveAsTheyWere() throws Exception {
        SplittableRandom random = Seeds.random("rangesInNoOrder");
        Decoded decoded = new Decoded();
        BitSet free = new BitSet();
        HintWriter writer = new HintWriter(1, (type, body) -> decoded.take(1, type, body), true);
        for (int i = 0; i < 30_000; i++) {
            int page = random.nextInt(PAGES);
            free.set(page);
            writer.range(page, 1);
        }
        writer.flush();
        assertThat(decoded.pages).isEqualTo(free);
    }

    @Test
    void rangesBeyondWhatOneEntryHolds_goAsSeveral() throws Exception {
        Decoded decoded = new Decoded();
        HintWriter writer = new HintWriter(1, (type, body) -> decoded.take(1, type, body), true);
        long pages = 3L * MemoryMessage.MAX_RANGE_PAGES + 5;
        writer.range(MemoryMessage.END_OF_PAGES - pages, pages);
        writer.flush();
        assertThat(decoded.runs.stream().mapToLong(PageRange::count).sum()).isEqualTo(pages);
        assertThat(decoded.runs).hasSize(4);
        assertThat(decoded.runs.get(3).end()).isEqualTo(MemoryMessage.END_OF_PAGES);
        assertThatThrownBy(() -> writer.range(MemoryMessage.END_OF_PAGES - 1, 2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.range(Long.MAX_VALUE, Long.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bits_arriveAsTheyWere_inRunsAsLongAsPossible() throws Exception {
        SplittableRandom random = Seeds.random("bits_arriveAsTheyWere");
        for (int round = 0; round < 60; round++) {
            BitSet free = new BitSet();
            int page = random.nextInt(70);
            int step = 1 + random.nextInt(round + 1);
            while (page < PAGES) {
                int count = 1 + random.nextInt(step);
                free.set(page, Math.min(PAGES, page + count));
                page += count + 1 + random.nextInt(step);
            }
            long[] words = new long[PAGES / Long.SIZE];
            long[] used = free.toLongArray();
            System.arraycopy(used, 0, words, 0, used.length);
            Decoded decoded = new Decoded();
            HintWriter writer = new HintWriter(5, (type, body) -> decoded.take(5, type, body), true);
            writer.bits(0, words, 0, words.length);
            assertThat(decoded.pages).isEqualTo(free);
            List<PageRange> runs = new ArrayList<>();
            for (int at = free.nextSetBit(0); at >= 0; at = free.nextSetBit(free.nextClearBit(at))) {
                runs.add(new PageRange(at, free.nextClearBit(at) - at));
            }
            assertThat(decoded.runs).isEqualTo(runs);
        }
    }

    @Test
    void longBitmaps_goAsSeveralMessages() throws Exception {
        Decoded decoded = new Decoded();
        HintWriter writer = new HintWriter(5, (type, body) -> decoded.take(5, type, body), true);
        long[] words = new long[20_000];
        words[0] = 1;
        words[19_999] = Long.MIN_VALUE;
        writer.bits(1000, words, 0, words.length);
        assertThat(decoded.messages).isEqualTo(3);
        assertThat(decoded.runs)
                .containsExactly(new PageRange(1000, 1), new PageRange(1000 + 20_000L * Long.SIZE - 1, 1));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 64, 2, too many words",
        "0, 65, 1, too few words",
        "0, 0, 1, no page",
        "0, -1, 1, a negative count",
        "-1, 64, 1, a negative page",
        "17592186044415, 64, 1, beyond the last page",
        "9223372036854775807, 64, 1, an end that overflows",
        "0, 63, 1, a bit behind the last page",
        "0, 1, 0, no word",
    })
    void bitmapThatContradictsItself_isRefused(long first, long pages, int words, String what) {
        ByteBuffer body = ByteBuffer.allocate(MemoryMessage.WORDS_OFFSET + words * Long.BYTES)
                .putLong(1)
                .putLong(first)
                .putLong(pages);
        while (body.hasRemaining()) {
            body.putLong(-1L);
        }
        assertThatThrownBy(() -> MemoryMessage.bits(body.flip()))
                .as(what)
                .isInstanceOf(RefusedFrameException.class)
                .hasMessage("MALFORMED");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 8, 9, 15, 23})
    void rangesThatAreCutOff_areRefused_andNothingIsAdded(int bytes) {
        RangeBatch into = new RangeBatch();
        assertThatThrownBy(() -> MemoryMessage.ranges(ByteBuffer.allocate(bytes), into))
                .isInstanceOf(RefusedFrameException.class);
        assertThat(into.size()).isZero();
    }
}
