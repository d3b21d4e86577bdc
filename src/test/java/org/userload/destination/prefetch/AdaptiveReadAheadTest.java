package org.userload.destination.prefetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Seeds;

@Timeout(60)
class AdaptiveReadAheadTest {
    private static final long PAGES = 1 << 20;

    private final AdaptiveReadAhead readAhead = new AdaptiveReadAhead();
    private final Set<Long> here = new HashSet<>();
    private final List<Integer> windows = new ArrayList<>();
    private int faults;

    /** As a thread that touches pages, of which everything wanted is there before the next touch. */
    private void touch(long page) {
        if (here.add(page)) {
            faults++;
            readAhead.fault(0, page, (region, first, count) -> {
                windows.add(count);
                for (long wanted = Math.max(0, first); wanted < Math.min(PAGES, first + count); wanted++) {
                    here.add(wanted);
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, -1, 2, 3, -7, 64})
    void scan_ofEveryNthPage_faultsSeldom(int step) {
        long page = PAGES / 2;
        int touches = 5_000;
        for (int i = 0; i < touches; i++, page += step) {
            touch(page);
        }
        // 4, 8, 16, ... 512 and then each 512 steps.
        assertThat(faults).isLessThan(25);
        assertThat(here.size()).isLessThan(touches + 3 * AdaptiveReadAhead.MAX_WINDOW);
    }

    @Test
    void windowOfAScan_grows_upToTheMost() {
        for (long page = 0; page < 10_000; page++) {
            touch(page);
        }
        for (int i = 1; i < windows.size(); i++) {
            assertThat(windows.get(i)).isEqualTo(Math.min(2 * windows.get(i - 1), AdaptiveReadAhead.MAX_WINDOW));
        }
        assertThat(windows.get(0)).isEqualTo(AdaptiveReadAhead.FIRST_WINDOW);
    }

    @Test
    void severalScansAtOnce_areTold() {
        int scans = AdaptiveReadAhead.SCANS;
        for (int i = 0; i < 2_000; i++) {
            for (int scan = 0; scan < scans; scan++) {
                touch(scan * (PAGES / scans) + i);
            }
        }
        assertThat(faults).isLessThan(20 * scans);
    }

    @Test
    void touchesAtRandom_wantNextToNothing() {
        SplittableRandom random = Seeds.random("AdaptiveReadAheadTest");
        int touches = 5_000;
        for (int i = 0; i < touches; i++) {
            touch(random.nextLong(PAGES));
        }
        assertThat(here.size() - faults).isLessThan(touches / 20);
    }

    @Test
    void scanThatLosesItsWay_wantsLess_andIsForgotten() {
        for (long page = 0; page < 100; page++) {
            touch(page);
        }
        int before = windows.size();
        SplittableRandom random = Seeds.random("AdaptiveReadAheadTest");
        for (int i = 0; i < 40; i++) {
            readAhead.fault(0, 40 + 2 * random.nextLong(20) + i % 2, (region, first, count) -> windows.add(count));
        }
        long wanted = windows.subList(before, windows.size()).stream()
                .filter(count -> count > AdaptiveReadAhead.FIRST_WINDOW)
                .count();
        assertThat(wanted).isLessThan(10);
    }

    @Test
    void placesInTwoRegions_areNotOneScan() {
        List<Integer> wanted = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            readAhead.fault(i % 2, 500 + i * 100L + i % 2, (region, first, count) -> wanted.add(region));
        }
        assertThat(wanted).isEmpty();
    }
}
