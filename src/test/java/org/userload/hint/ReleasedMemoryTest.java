package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;
import org.userload.memory.PageRange;
import org.userload.support.Seeds;

@Timeout(60)
class ReleasedMemoryTest {
    private static final long MAX = Long.MAX_VALUE;

    /** Pages 0 to 99 and 200 to 299 are memory, 10 to 19 are released. */
    private static ReleasedMemory guest() {
        ReleasedMemory guest = new ReleasedMemory(1000);
        assertThat(guest.addMemory(0, 100)).isEqualTo(new Accepted(100));
        assertThat(guest.addMemory(200, 100)).isEqualTo(new Accepted(100));
        assertThat(guest.release(10, 10)).isEqualTo(new Accepted(10));
        return guest;
    }

    @ParameterizedTest
    @CsvSource({
        "5, 0, EMPTY",
        "-1, 1, OVERFLOWING",
        "1, -1, OVERFLOWING",
        "9223372036854775807, 1, OVERFLOWING",
        "1, 9223372036854775807, OVERFLOWING",
        "-9223372036854775808, -9223372036854775808, OVERFLOWING",
        "9223372036854775806, 1, OUTSIDE_MEMORY",
        "0, 9223372036854775807, OUTSIDE_MEMORY",
        "100, 1, OUTSIDE_MEMORY",
        "99, 2, OUTSIDE_MEMORY",
        "50, 200, OUTSIDE_MEMORY",
        "199, 1, OUTSIDE_MEMORY",
        "300, 1, OUTSIDE_MEMORY",
        "1000, 1, OUTSIDE_MEMORY",
        "10, 1, RELEASED_ALREADY",
        "19, 1, RELEASED_ALREADY",
        "0, 100, RELEASED_ALREADY",
        "5, 6, RELEASED_ALREADY",
    })
    void release_ofWhatCannotBe_isRefused_countedAndChangesNothing(long first, long count, Refusal reason) {
        ReleasedMemory guest = guest();
        assertThat(guest.release(first, count)).isEqualTo(new Refused(reason, 0, first, count));
        assertRefusedOnce(guest, reason);
        assertThat(guest.release(new RangeBatch().add(50, 3).add(first, count)))
                .isEqualTo(new Refused(reason, 1, first, count));
        assertThat(RangeModel.ranges(guest.released())).containsExactly(new PageRange(10, 10));
    }

    @ParameterizedTest
    @CsvSource({
        "5, 0, EMPTY",
        "-1, 1, OVERFLOWING",
        "9223372036854775807, 1, OVERFLOWING",
        "150, 1, OUTSIDE_MEMORY",
        "9, 1, NOT_RELEASED",
        "9, 2, NOT_RELEASED",
        "19, 2, NOT_RELEASED",
        "0, 100, NOT_RELEASED",
        "250, 1, NOT_RELEASED",
    })
    void reclaim_ofWhatCannotBe_isRefused_countedAndChangesNothing(long first, long count, Refusal reason) {
        ReleasedMemory guest = guest();
        assertThat(guest.reclaim(first, count)).isEqualTo(new Refused(reason, 0, first, count));
        assertRefusedOnce(guest, reason);
        assertThat(guest.reclaim(new RangeBatch().add(12, 3).add(first, count)))
                .isEqualTo(new Refused(reason, 1, first, count));
        assertThat(RangeModel.ranges(guest.released())).containsExactly(new PageRange(10, 10));
    }

    private static void assertRefusedOnce(ReleasedMemory guest, Refusal reason) {
        for (Refusal each : Refusal.values()) {
            assertThat(guest.refusals(each)).as(each.name()).isEqualTo(each == reason ? 1 : 0);
        }
    }

    @Test
    void message_thatOverlapsItself_isRefusedWhole() {
        ReleasedMemory guest = guest();
        assertThat(guest.release(new RangeBatch().add(30, 5).add(50, 5).add(34, 1)))
                .isEqualTo(new Refused(Refusal.OVERLAPS_ITSELF, 2, 34, 1));
        assertThat(guest.reclaim(new RangeBatch().add(10, 2).add(14, 2).add(11, 2)))
                .isEqualTo(new Refused(Refusal.OVERLAPS_ITSELF, 2, 11, 2));
        assertThat(RangeModel.ranges(guest.released())).containsExactly(new PageRange(10, 10));
        assertThat(guest.refusals(Refusal.OVERLAPS_ITSELF)).isEqualTo(2);
    }

    @Test
    void message_withoutRanges_isRefused() {
        ReleasedMemory guest = guest();
        assertThat(guest.release(new RangeBatch())).isEqualTo(new Refused(Refusal.EMPTY, -1, 0, 0));
        assertThat(guest.reclaim(new RangeBatch())).isEqualTo(new Refused(Refusal.EMPTY, -1, 0, 0));
        assertThat(guest.refusals(Refusal.EMPTY)).isEqualTo(2);
    }

    @Test
    void refusal_namesTheRangeAndWhatIsWrong() {
        Refused refused = (Refused) guest().release(new RangeBatch().add(50, 3).add(19, 4));
        assertThat(refused.message()).isEqualTo("range 1, 4 pages from page 19, holds pages that are released already");
    }

    @Test
    void memoryThatIsTakenOut_takesItsReleasedPagesAlong_andComesBackUnreleased() {
        ReleasedMemory guest = guest();
        assertThat(guest.removeMemory(15, 50)).isEqualTo(new Accepted(50));
        assertThat(RangeModel.ranges(guest.released())).containsExactly(new PageRange(10, 5));
        assertThat(guest.release(15, 1)).isEqualTo(new Refused(Refusal.OUTSIDE_MEMORY, 0, 15, 1));
        assertThat(guest.addMemory(15, 50)).isEqualTo(new Accepted(50));
        assertThat(guest.isReleased(14)).isTrue();
        assertThat(guest.isReleased(15)).isFalse();
        assertThat(guest.release(15, 50)).isEqualTo(new Accepted(50));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, EMPTY",
        "-5, 2, OVERFLOWING",
        "9223372036854775807, 9223372036854775807, OVERFLOWING",
        "999, 2, OUTSIDE_ADDRESS_SPACE",
        "9223372036854775806, 1, OUTSIDE_ADDRESS_SPACE",
        "99, 2, MEMORY_ALREADY",
        "10, 1, MEMORY_ALREADY",
        "150, 60, MEMORY_ALREADY",
    })
    void memoryThatCannotCome_isRefused(long first, long count, Refusal reason) {
        ReleasedMemory guest = guest();
        assertThat(guest.addMemory(first, count)).isEqualTo(new Refused(reason, 0, first, count));
        assertRefusedOnce(guest, reason);
        assertThat(guest.memoryPages()).isEqualTo(200);
    }

    @Test
    void memoryThatIsNotThere_cannotBeTakenOut() {
        ReleasedMemory guest = guest();
        assertThat(guest.removeMemory(90, 20)).isEqualTo(new Refused(Refusal.OUTSIDE_MEMORY, 0, 90, 20));
        assertThat(guest.removeMemory(MAX, 1)).isEqualTo(new Refused(Refusal.OVERFLOWING, 0, MAX, 1));
        assertThat(RangeModel.ranges(guest.memory())).containsExactly(new PageRange(0, 100), new PageRange(200, 100));
    }

    /** A guest that says anything: each answer and each page as a bitmap of memory and one of released pages have it. */
    @Test
    void anyMessages_leaveWhatTheModelHas() {
        SplittableRandom random = Seeds.random("ReleasedMemoryTest");
        int limit = 3 * Chunk.SIZE;
        ReleasedMemory guest = new ReleasedMemory(limit);
        BitSet memory = new BitSet();
        BitSet released = new BitSet();
        for (int step = 0; step < 20_000; step++) {
            RangeBatch message = message(random, limit);
            long first = message.first(0);
            long count = message.count(0);
            boolean shaped = count > 0 && first >= 0 && first <= limit - count;
            switch (random.nextInt(20)) {
                case 0, 1 -> {
                    boolean can = shaped
                            && memory.get((int) first, (int) (first + count)).isEmpty();
                    assertThat(guest.addMemory(first, count) instanceof Accepted)
                            .isEqualTo(can);
                    if (can) {
                        memory.set((int) first, (int) (first + count));
                    }
                }
                case 2 -> {
                    boolean can = shaped && memory.nextClearBit((int) first) >= first + count;
                    assertThat(guest.removeMemory(first, count) instanceof Accepted)
                            .isEqualTo(can);
                    if (can) {
                        memory.clear((int) first, (int) (first + count));
                        released.clear((int) first, (int) (first + count));
                    }
                }
                default -> {
                    boolean release = random.nextInt(3) > 0;
                    BitSet after = after(message, memory, released, release);
                    HintResult result = release ? guest.release(message) : guest.reclaim(message);
                    assertThat(result instanceof Accepted).as("%s", result).isEqualTo(!after.equals(released));
                    released = after;
                }
            }
            long page = random.nextInt(limit);
            assertThat(guest.isReleased(page)).isEqualTo(released.get((int) page));
            assertThat(guest.releasedPages()).isEqualTo(released.cardinality());
        }
        assertThat(guest.memoryPages()).isEqualTo(memory.cardinality());
        assertThat(bits(guest.released())).isEqualTo(released);
        assertThat(bits(guest.memory())).isEqualTo(memory);
    }

    private static RangeBatch message(SplittableRandom random, int limit) {
        List<Long> odd = List.of(0L, -1L, MAX, Long.MIN_VALUE, MAX - 1, (long) limit);
        RangeBatch message = new RangeBatch();
        int ranges = 1 + random.nextInt(4);
        for (int i = 0; i < ranges; i++) {
            long first = random.nextInt(limit);
            long count = 1L + (random.nextInt(30) == 0 ? random.nextInt(limit) : random.nextInt(200));
            first = random.nextInt(50) == 0 ? odd.get(random.nextInt(odd.size())) : first;
            count = random.nextInt(50) == 0 ? odd.get(random.nextInt(odd.size())) : count;
            message.add(first, count);
        }
        return message;
    }

    /** What is released after a message; the same when it must be refused. */
    private static BitSet after(RangeBatch message, BitSet memory, BitSet released, boolean release) {
        BitSet after = (BitSet) released.clone();
        for (int i = 0; i < message.size(); i++) {
            long first = message.first(i);
            long count = message.count(i);
            boolean shaped = count > 0 && first >= 0 && first <= MAX - count && first + count <= Integer.MAX_VALUE;
            if (!shaped || memory.nextClearBit((int) first) < first + count) {
                return released;
            }
            int end = (int) (first + count);
            boolean can = release ? after.get((int) first, end).isEmpty() : after.nextClearBit((int) first) >= end;
            if (!can) {
                return released;
            }
            after.set((int) first, end, release);
        }
        return after;
    }

    private static BitSet bits(RangeSnapshot snapshot) {
        BitSet bits = new BitSet();
        snapshot.forEach((first, count) -> bits.set((int) first, (int) (first + count)));
        return bits;
    }
}
