package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;

@Timeout(120)
class MemoryChunksTest {
    private static final long BOOT_PAGES = 64;
    private static final long FIRST = 1L << 18;

    private static GuestMemory memory(long hotPages) {
        return GuestMemory.present(new RegionTable(
                PageSize.DEFAULT,
                List.of(new RegionTable.Entry(0, BOOT_PAGES), new RegionTable.Entry(FIRST << 12, hotPages))));
    }

    private static Balloon balloon(GuestMemory memory) {
        ReleasedMemory guest = new ReleasedMemory(1L << 36);
        guest.addMemory(0, BOOT_PAGES);
        return new Balloon(memory, guest);
    }

    private static RangeBatch range(long first, long count) {
        return new RangeBatch().add(first, count);
    }

    @Test
    void chunk_isPlugged_used_busy_unused_removed_andItsRangeIsUsedAgain() {
        try (GuestMemory memory = memory(100)) {
            Balloon balloon = balloon(memory);
            List<Integer> events = new ArrayList<>();
            MemoryChunks chunks = new MemoryChunks(balloon, FIRST, 10, 10, events::add);
            long page = FIRST + 30;
            assertThat(chunks.state(3)).isEqualTo(ChunkState.ABSENT);
            assertThat(chunks.remove(3)).isEqualTo(new Refused(Refusal.OUTSIDE_MEMORY, 0, page, 10));
            assertThat(balloon.deflate(range(page, 1))).isInstanceOf(Refused.class);

            assertThat(chunks.plug(3)).isEqualTo(new Accepted(10));
            assertThat(chunks.plug(3)).isEqualTo(new Refused(Refusal.MEMORY_ALREADY, 0, page, 10));
            assertThat(chunks.state(3)).isEqualTo(ChunkState.UNUSED);

            assertThat(balloon.deflate(range(page + 9, 1))).isEqualTo(new Accepted(1));
            memory.putLong((page + 9) << 12, 5);
            assertThat(chunks.state(3)).isEqualTo(ChunkState.IN_USE);
            assertThat(chunks.remove(3)).isEqualTo(new Refused(Refusal.BUSY, 0, page, 10));
            assertThat(memory.getLong((page + 9) << 12)).isEqualTo(5);
            assertThat(events).isEmpty();

            assertThat(balloon.inflate(range(page + 9, 1))).isEqualTo(new Accepted(1));
            assertThat(events).containsExactly(3);
            assertThat(chunks.remove(3)).isEqualTo(new Accepted(10));
            assertThat(chunks.state(3)).isEqualTo(ChunkState.ABSENT);
            memory.putLong(page << 12, 6); // a guest that writes where it has no memory

            assertThat(chunks.plug(3)).isEqualTo(new Accepted(10));
            assertThat(balloon.deflate(range(page, 10))).isEqualTo(new Accepted(10));
            for (long i = 0; i < 10; i++) {
                assertThat(memory.getLong((page + i) << 12)).isZero();
            }
        }
    }

    @Test
    void listener_mayRemoveTheChunkAtOnce() {
        try (GuestMemory memory = memory(100)) {
            Balloon balloon = balloon(memory);
            List<HintResult> removed = new ArrayList<>();
            MemoryChunks[] chunks = new MemoryChunks[1];
            chunks[0] = new MemoryChunks(balloon, FIRST, 10, 10, chunk -> removed.add(chunks[0].remove(chunk)));
            for (int i = 0; i < 10; i++) {
                chunks[0].plug(i);
            }
            balloon.deflate(range(FIRST, 100));
            balloon.inflate(range(FIRST + 5, 90));
            assertThat(removed).hasSize(8).containsOnly(new Accepted(10));
            balloon.inflate(range(FIRST, 2).add(FIRST + 2, 3));
            assertThat(removed).hasSize(9);
            assertThat(chunks[0].state(9)).isEqualTo(ChunkState.IN_USE);
            assertThat(balloon.memory().memoryPages()).isEqualTo(BOOT_PAGES + 10);
        }
    }

    @Test
    void chunksOutsideTheRegions_orWithAPartOfMemory_areRefused() {
        try (GuestMemory memory = memory(100)) {
            Balloon balloon = balloon(memory);
            for (long[] wrong : new long[][] {
                {FIRST + 1, 10, 10}, {FIRST, 0, 10}, {FIRST, 10, 0}, {-10, 10, 1}, {FIRST, Long.MAX_VALUE, 2}
            }) {
                assertThatThrownBy(() -> new MemoryChunks(balloon, wrong[0], wrong[1], (int) wrong[2], chunk -> {}))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThatThrownBy(() -> new MemoryChunks(balloon, 0, 7, 2, chunk -> {}).plug(2))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            ReleasedMemory half = new ReleasedMemory(1L << 36);
            half.addMemory(FIRST, 15);
            assertThatThrownBy(() -> new MemoryChunks(new Balloon(memory, half), FIRST, 10, 10, chunk -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("has a part of");
        }
    }

    @Test
    void tenThousandChunks_comeAreUsedAndGo() {
        int count = 10_000;
        int pages = 512; // 2 MiB each, 20 GiB of addresses
        int written = 100; // one of so many is written to, which takes a huge page
        try (GuestMemory memory = memory((long) count * pages)) {
            Balloon balloon = balloon(memory);
            BitSet unused = new BitSet();
            MemoryChunks chunks = new MemoryChunks(balloon, FIRST, pages, count, unused::set);
            for (int chunk = 0; chunk < count; chunk++) {
                assertThat(chunks.plug(chunk)).isInstanceOf(Accepted.class);
                assertThat(balloon.deflate(range(chunks.firstPage(chunk) + chunk % pages, 1)))
                        .isInstanceOf(Accepted.class);
                if (chunk % written == 0) {
                    memory.putLong((chunks.firstPage(chunk) + chunk % pages) << 12, chunk + 1);
                }
            }
            assertThat(balloon.memory().memoryPages()).isEqualTo(BOOT_PAGES + (long) count * pages);
            for (int chunk = 0; chunk < count; chunk++) {
                assertThat(chunks.remove(chunk)).isInstanceOf(Refused.class);
                if (chunk % written == 0) {
                    assertThat(memory.getLong((chunks.firstPage(chunk) + chunk % pages) << 12))
                            .isEqualTo(chunk + 1);
                }
            }
            assertThat(balloon.memory().refusals(Refusal.BUSY)).isEqualTo(count);
            assertThat(unused.isEmpty()).isTrue();
            for (int chunk = 0; chunk < count; chunk += 2) {
                balloon.inflate(range(chunks.firstPage(chunk) + chunk % pages, 1));
                assertThat(chunks.remove(chunk)).isInstanceOf(Accepted.class);
            }
            assertThat(unused.cardinality()).isEqualTo(count / 2);
            for (int chunk = 0; chunk < count; chunk++) {
                assertThat(chunks.state(chunk)).isEqualTo(chunk % 2 == 0 ? ChunkState.ABSENT : ChunkState.IN_USE);
            }
            assertThat(chunks.plug(4242)).isInstanceOf(Accepted.class);
        }
    }

    /** Any calls of host and guest: states, answers and events as bitmaps of what there is and what is used have them. */
    @Test
    void anyCalls_leaveWhatTheModelHas() {
        SplittableRandom random = Seeds.random("MemoryChunksTest");
        int count = 40;
        int pages = 8;
        try (GuestMemory memory = memory((long) count * pages)) {
            Balloon balloon = balloon(memory);
            List<Integer> events = new ArrayList<>();
            MemoryChunks chunks = new MemoryChunks(balloon, FIRST, pages, count, events::add);
            BitSet there = new BitSet();
            BitSet used = new BitSet();
            for (int step = 0; step < 30_000; step++) {
                int chunk = random.nextInt(count);
                int from = chunk * pages;
                switch (random.nextInt(4)) {
                    case 0 -> {
                        assertThat(chunks.plug(chunk) instanceof Accepted).isEqualTo(!there.get(from));
                        there.set(from, from + pages);
                    }
                    case 1 -> {
                        boolean can =
                                there.get(from) && used.get(from, from + pages).isEmpty();
                        assertThat(chunks.remove(chunk) instanceof Accepted).isEqualTo(can);
                        if (can) {
                            there.clear(from, from + pages);
                        }
                    }
                    default -> guestSays(random, balloon, there, used, pages, events);
                }
                BitSet inChunk = used.get(from, from + pages);
                assertThat(chunks.state(chunk))
                        .isEqualTo(
                                !there.get(from)
                                        ? ChunkState.ABSENT
                                        : inChunk.isEmpty() ? ChunkState.UNUSED : ChunkState.IN_USE);
            }
            assertThat(there.isEmpty()).isFalse();
        }
    }

    private static void guestSays(
            SplittableRandom random, Balloon balloon, BitSet there, BitSet used, int pages, List<Integer> events) {
        int at = random.nextInt(320);
        int length = random.nextInt(1, 30);
        int second = random.nextInt(320);
        boolean inflate = random.nextBoolean();
        BitSet asked = new BitSet();
        asked.set(at, at + length);
        boolean overlaps = asked.get(second);
        asked.set(second);
        BitSet fitting = (BitSet) there.clone();
        if (inflate) {
            fitting.and(used);
        } else {
            fitting.andNot(used);
        }
        BitSet wrong = (BitSet) asked.clone();
        wrong.andNot(fitting);
        boolean can = wrong.isEmpty() && !overlaps;
        RangeBatch message = range(FIRST + at, length).add(FIRST + second, 1);
        events.clear();
        HintResult result = inflate ? balloon.inflate(message) : balloon.deflate(message);
        assertThat(result instanceof Accepted).as("%s", result).isEqualTo(can);
        List<Integer> expected = new ArrayList<>();
        if (can && inflate) {
            used.andNot(asked);
            for (int chunk = 0; chunk < 40; chunk++) {
                int from = chunk * pages;
                if (!asked.get(from, from + pages).isEmpty()
                        && used.get(from, from + pages).isEmpty()) {
                    expected.add(chunk);
                }
            }
        } else if (can) {
            used.or(asked);
        }
        assertThat(events).containsExactlyInAnyOrderElementsOf(expected);
    }
}
