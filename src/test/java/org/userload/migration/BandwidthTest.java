package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The time that pages take is known from the pages that have come, however few bytes they were. */
class BandwidthTest {
    @Test
    void pagesLeft_takeAsLongAsAsManyTook() {
        Bandwidth bandwidth = new Bandwidth();
        assertThat(bandwidth.microsFor(1)).isEqualTo(Long.MAX_VALUE);
        assertThat(bandwidth.microsFor(0)).isZero();
        bandwidth.sample(1000, 20_000);
        assertThat(bandwidth.microsFor(500)).isEqualTo(10_000);
        assertThat(bandwidth.pagesPerSecond()).isEqualTo(50_000);
    }

    @Test
    void laterSample_countsHalf_onceItIsLongEnough() {
        Bandwidth bandwidth = new Bandwidth();
        bandwidth.sample(1000, 10_000);
        bandwidth.sample(5, 5_000);
        assertThat(bandwidth.microsFor(1000)).isEqualTo(10_000);
        bandwidth.sample(2995, 5_000);
        assertThat(bandwidth.microsFor(2000)).isEqualTo(10_000);
    }
}
