package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The limit to what a source sends; a byte takes 1 us. */
@Timeout(30)
class BandwidthCapTest {
    private static final long MICRO = 1_000;
    private static final long BURST_BYTES = BandwidthCap.BURST_NANOS / MICRO;

    private long now = 5_000_000_000L;
    private final BandwidthCap cap = new BandwidthCap(1_000_000, now);

    @Test
    void stream_waitsUntilItsLastFrameIsPaidFor() {
        assertThat(cap.waitNanos(now)).isLessThanOrEqualTo(0);
        cap.charge(4096, now);
        assertThat(cap.waitNanos(now)).isEqualTo(4096 * MICRO);
        now += 4096 * MICRO;
        assertThat(cap.waitNanos(now)).isLessThanOrEqualTo(0);
    }

    @Test
    void lateTimer_losesNoRate_asLongAsItIsNotLaterThanTheBurst() {
        long start = now;
        for (int i = 0; i < 1000; i++) {
            now += Math.max(0, cap.waitNanos(now)) + BandwidthCap.BURST_NANOS - 1;
            cap.charge(1000, now);
        }
        assertThat((now - start) / MICRO).isBetween(1000L * 999, 1000L * 1000 + BURST_BYTES);
    }

    @Test
    void idleTime_isNotSavedUp_beyondTheBurst() {
        now += 60_000_000_000L;
        cap.charge(BURST_BYTES, now);
        assertThat(cap.waitNanos(now)).isLessThanOrEqualTo(0);
        cap.charge(100, now);
        assertThat(cap.waitNanos(now)).isEqualTo(100 * MICRO);
    }

    @Test
    void urgentPages_areADebtThatTheStreamWaitsFor_butNotForEver() {
        cap.charge(1000, now);
        cap.charge(4096, now);
        assertThat(cap.waitNanos(now)).isEqualTo(5096 * MICRO);
        cap.charge(1L << 40, now);
        assertThat(cap.waitNanos(now)).isEqualTo(BandwidthCap.MOST_DEBT_NANOS);
    }
}
