package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

@Timeout(60)
class DirtyRateTest {
    /** Reports two runs each time it is asked, the first time one more. */
    private static final class Counted implements DirtyTracker {
        int collects;

        @Override
        public String name() {
            return "counted";
        }

        @Override
        public boolean seesNativeWrites() {
            return false;
        }

        @Override
        public void start() {}

        @Override
        public void collect(DirtySink sink) {
            if (collects++ == 0) {
                sink.dirty(0, 500, 1000);
            }
            sink.dirty(0, 3, 4);
            sink.dirty(1, 0, 6);
        }

        @Override
        public void close() {}
    }

    @Test
    void rate_sumsDistinctPagesOfIntervals_andLeavesOutWhatWasBefore() throws InterruptedException {
        Counted tracker = new Counted();
        DirtyRate rate = DirtyRate.measure(tracker, Duration.ofMillis(20), Duration.ofMillis(2));
        assertThat(rate.intervals()).isEqualTo(tracker.collects - 1).isBetween(1, 10);
        assertThat(rate.pages()).isEqualTo(10L * rate.intervals());
        assertThat(rate.nanos()).isGreaterThanOrEqualTo(20_000_000);
        assertThat(new DirtyRate(10, 2, 500_000_000).pagesPerSecond()).isEqualTo(20);
    }

    @Test
    void impossibleTimes_areRefused() {
        Counted tracker = new Counted();
        assertThatThrownBy(() -> DirtyRate.measure(tracker, Duration.ofMillis(1), Duration.ofMillis(2)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DirtyRate.measure(tracker, Duration.ofMillis(1), Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void guestThatDoesNotWrite_hasRateZero(TrackerChoice choice) throws InterruptedException {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(64));
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            memory.putLong(0, 1);
            assertThat(DirtyRate.measure(tracker, Duration.ofMillis(4), Duration.ofMillis(2))
                            .pages())
                    .isZero();
        }
    }
}
