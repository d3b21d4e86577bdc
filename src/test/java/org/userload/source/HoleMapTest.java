package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HoleMapTest {
    private static final int SHIFT = 4;

    @Test
    void randomExtents_matchABitPerPage() {
        Random random = Seed.random("randomExtents_matchABitPerPage");
        for (int round = 0; round < 2000; round++) {
            int pages = 1 + random.nextInt(60);
            int size = pages << SHIFT;
            boolean[] data = new boolean[pages];
            List<Long> extents = new ArrayList<>();
            for (int at = random.nextInt(40); at < size; ) {
                int end = Math.min(size, at + 1 + random.nextInt(60));
                extents.add((long) at);
                extents.add((long) end);
                for (int b = at; b < end; b++) {
                    data[b >> SHIFT] = true;
                }
                at = end + random.nextInt(60);
            }
            HoleMap map = HoleMap.of(extents.stream().mapToLong(Long::longValue).toArray(), size, SHIFT);
            for (int page = 0; page < pages; page++) {
                int end = page + 1;
                while (end < pages && data[end] == data[page]) {
                    end++;
                }
                assertThat(map.isHole(page)).isEqualTo(!data[page]);
                assertThat(map.runEnd(page)).isEqualTo(end);
            }
        }
    }

    @Test
    void extentsThatMakeNoSense_areRejected() {
        for (long[] extents : new long[][] {{1}, {5, 5}, {9, 5}, {-1, 4}, {0, 65}, {0, 10, 9, 20}}) {
            assertThatThrownBy(() -> HoleMap.of(extents, 64, SHIFT)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
