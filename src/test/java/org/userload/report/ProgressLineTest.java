package org.userload.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.destination.BlockCounts;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.PageCounts;
import org.userload.destination.prefetch.PrefetchStatistics;

class ProgressLineTest {
    private static final BlockCounts NO_BLOCKS = new BlockCounts(0, 0, 0);

    private static ProgressLine line(long total, long streamed, long wireBytes, int faults, long elapsedMillis) {
        Histogram latency = new Histogram(2);
        for (int i = 0; i < faults; i++) {
            latency.recordValue(1_000);
        }
        PageCounts pages = new PageCounts(total, 0, streamed, 0, 0, 0, 0);
        return new ProgressLine(
                new DestinationStatistics(
                        "software",
                        pages,
                        NO_BLOCKS,
                        wireBytes,
                        latency,
                        Map.of(),
                        new PrefetchStatistics(0, 0, 0, 0, 0),
                        -1),
                elapsedMillis);
    }

    @Test
    void text_hasPagesRateFaultsAndTimeLeft() {
        assertThat(line(8_192, 2_048, 240_000_000, 1_234, 2_000).text())
                .isEqualTo("paging in: 2,048 of 8,192 pages (25 %), 120 MB/s, 1,234 faults, ETA 0:00:06");
    }

    @ParameterizedTest
    @CsvSource({
        "1000, 0, 5000, ?",
        "1000, 1000, 5000, 0:00:00",
        "1000, 999, 1000, 0:00:01",
        "1000, 100, 1000, 0:00:09",
        "1000, 1, 10000, 2:46:30",
        "0, 0, 0, 0:00:00",
        "4294967296, 1, 1000, 1193046:28:15"
    })
    void timeLeft_supposesTheAverageRate(long total, long inPlace, long elapsedMillis, String expected) {
        assertThat(line(total, inPlace, 0, 0, elapsedMillis).text()).endsWith(", ETA " + expected);
    }

    @Test
    void everyKindOfPage_countsAsInPlace() {
        PageCounts pages = new PageCounts(100, 1, 2, 5, 3, 4, 50);
        ProgressLine line = new ProgressLine(
                new DestinationStatistics(
                        "software",
                        pages,
                        NO_BLOCKS,
                        0,
                        new Histogram(2),
                        Map.of(),
                        new PrefetchStatistics(0, 0, 0, 0, 0),
                        -1),
                1_000);
        assertThat(line.text()).startsWith("paging in: 15 of 100 pages (15 %)");
    }

    @Test
    void firstMoment_dividesByNothing() {
        assertThat(line(100, 50, 1_000, 0, 0).rates()).isEqualTo("1 MB/s, 0 faults");
    }
}
