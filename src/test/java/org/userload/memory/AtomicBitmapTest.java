package org.userload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Seeds;
import org.userload.support.Threads;

@Timeout(30)
class AtomicBitmapTest {
    @Test
    void bitmap_behavesAsABitSet_underRandomOperations() {
        SplittableRandom random = Seeds.random("AtomicBitmapTest");
        for (int size : new int[] {1, 2, 63, 64, 65, 127, 128, 129, 500, 4096}) {
            AtomicBitmap bitmap = new AtomicBitmap(size);
            BitSet model = new BitSet(size);
            for (int i = 0; i < 3000; i++) {
                compareOne(random, bitmap, model, size);
            }
            assertThat(bitmap.cardinality()).isEqualTo(model.cardinality());
        }
    }

    private static void compareOne(SplittableRandom random, AtomicBitmap bitmap, BitSet model, int size) {
        int first = random.nextInt(size);
        int count = random.nextInt(size - first + 1);
        int end = first + count;
        switch (random.nextInt(9)) {
            case 0 -> {
                assertThat(bitmap.set(first)).isEqualTo(!model.get(first));
                model.set(first);
            }
            case 1 -> {
                assertThat(bitmap.clear(first)).isEqualTo(model.get(first));
                model.clear(first);
            }
            case 2 -> {
                assertThat(bitmap.set(first, count))
                        .isEqualTo(count - model.get(first, end).cardinality());
                model.set(first, end);
            }
            case 3, 4 -> {
                int some = Math.min(count, 80);
                assertThat(bitmap.clear(first, some))
                        .isEqualTo(model.get(first, first + some).cardinality());
                model.clear(first, first + some);
            }
            case 5 -> assertThat(bitmap.get(first)).isEqualTo(model.get(first));
            case 6 -> {
                int expected = model.nextSetBit(first);
                assertThat(bitmap.nextSet(first, end)).isEqualTo(expected < 0 ? end : Math.min(expected, end));
            }
            case 7 -> assertThat(bitmap.nextClear(first, end)).isEqualTo(Math.min(model.nextClearBit(first), end));
            default ->
                assertThat(bitmap.cardinality(first, count))
                        .isEqualTo(model.get(first, end).cardinality());
        }
    }

    @Test
    void search_neverFindsABitBeyondTheSize() {
        AtomicBitmap bitmap = new AtomicBitmap(70);
        bitmap.set(0, 70);
        assertThat(bitmap.nextClear(0, 100)).isEqualTo(100);
        bitmap.clear(0, 70);
        assertThat(bitmap.nextSet(0, 100)).isEqualTo(100);
        bitmap.set(0, 69);
        assertThat(bitmap.nextClear(0, 100)).isEqualTo(69);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, (1L << 36) + 1, Long.MAX_VALUE, Long.MIN_VALUE})
    void sizeOutOfRange_isRefused(long size) {
        assertThatThrownBy(() -> new AtomicBitmap(size)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"-1,1", "0,-1", "0,101", "100,1", "9223372036854775807,1", "1,9223372036854775807", "50,51"})
    void rangeOutside_isRefused(long first, long count) {
        AtomicBitmap bitmap = new AtomicBitmap(100);
        assertThatThrownBy(() -> bitmap.set(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> bitmap.clear(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> bitmap.cardinality(first, count)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(bitmap.cardinality()).isZero();
    }

    @Test
    void emptyRange_changesNothing() {
        AtomicBitmap bitmap = new AtomicBitmap(64);
        assertThat(bitmap.set(64, 0)).isZero();
        assertThat(bitmap.set(0, 0)).isZero();
        assertThat(bitmap.cardinality()).isZero();
    }

    @Test
    void everyBit_countsExactlyOnce_whenThreadsSetAndClearRangesAtTheSameTime() throws Exception {
        int size = 100_000;
        long seed = Seeds.of("AtomicBitmapTest concurrent");
        AtomicBitmap bitmap = new AtomicBitmap(size);
        AtomicInteger thread = new AtomicInteger();
        for (int round = 0; round < 10; round++) {
            boolean setting = round % 2 == 0;
            List<FutureTask<Long>> tasks = new ArrayList<>(Threads.start(4, () -> {
                SplittableRandom random = new SplittableRandom(seed + thread.incrementAndGet());
                long changed = 0;
                for (int i = 0; i < 2000; i++) {
                    int first = random.nextInt(size);
                    int count = random.nextInt(Math.min(300, size - first) + 1);
                    changed += setting ? bitmap.set(first, count) : bitmap.clear(first, count);
                }
                changed += setting ? bitmap.set(0, size) : bitmap.clear(0, size);
                return changed;
            }));
            long sum = 0;
            for (FutureTask<Long> task : tasks) {
                sum += Threads.join(task, 20);
            }
            assertThat(sum).isEqualTo(size);
            assertThat(bitmap.cardinality()).isEqualTo(setting ? size : 0);
        }
    }

    @Test
    void bitThatSeveralThreadsSet_isPassedOnByOneOfThem() throws Exception {
        SplittableRandom random = Seeds.random("AtomicBitmapTest pass on");
        int size = 5000;
        for (int round = 0; round < 20; round++) {
            AtomicBitmap claimed = new AtomicBitmap(size);
            List<AtomicBitmap> passedOn =
                    List.of(new AtomicBitmap(size), new AtomicBitmap(size), new AtomicBitmap(size));
            long seed = random.nextLong();
            AtomicInteger number = new AtomicInteger();
            List<FutureTask<Long>> tasks = Threads.start(passedOn.size(), () -> {
                int mine = number.getAndIncrement();
                SplittableRandom own = new SplittableRandom(seed + mine);
                long changed = 0;
                for (int i = 0; i < 300; i++) {
                    int first = own.nextInt(size);
                    changed += claimed.setAndPassOn(first, own.nextInt(size - first + 1), passedOn.get(mine));
                }
                return changed - passedOn.get(mine).cardinality();
            });
            for (FutureTask<Long> task : tasks) {
                assertThat(Threads.join(task, 10)).isZero();
            }
            for (int page = 0; page < size; page++) {
                int index = page;
                assertThat(passedOn.stream().filter(bits -> bits.get(index)).count())
                        .isEqualTo(claimed.get(index) ? 1 : 0);
            }
        }
    }
}
