package org.userload.report.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When a guest is back: 1000 accesses in 10 ms is full speed, the migration begins at 0, the first bucket at -200 ms. */
class RecoveryTest {
    private static final int BEFORE = 20;

    private final long[] accesses = new long[400];

    RecoveryTest() {
        Arrays.fill(accesses, 1_000);
    }

    /** From a time until another one, in ms, multiples of 10. */
    private void speed(int fromMs, int toMs, long each) {
        Arrays.fill(accesses, fromMs / 10 + BEFORE, toMs / 10 + BEFORE, each);
    }

    private @Nullable Double recovery(long pausedUs, long pagesInUs) {
        ObjectNode result = new ObjectMapper().createObjectNode();
        result.put("schema", "userload.result/1").put("mode", "postcopy");
        result.putObject("timeline").put("paused_us", pausedUs).put("pages_in_us", pagesInUs);
        ArrayNode buckets = result.putArray("throughput");
        for (int i = 0; i < accesses.length; i++) {
            if (accesses[i] > 0) {
                buckets.addObject().put("t_us", (i - BEFORE) * 10_000L).put("accesses", accesses[i]);
            }
        }
        return Recovery.of(new ObjectMapper().convertValue(result, RunResult.class));
    }

    @Test
    void guestThatNeverSlowed_isBackAtOnce() {
        speed(300, 310, 600); // the mean of five buckets stays above 90 %
        assertThat(recovery(0, 400_000)).isZero();
    }

    @Test
    void guestIsBack_whenFiveBucketsReach90Percent_andStayThere() {
        speed(0, 100, 0);
        speed(100, 300, 500);
        // From 290 ms on one slow bucket and four full ones make exactly 90 %.
        assertThat(recovery(4_000, 200_000)).isEqualTo(290_000.0 - 4_000);
    }

    @Test
    void fallBeforeTheLastPage_takesTheGuestBack() {
        speed(0, 100, 0);
        speed(1_500, 1_600, 200);
        assertThat(recovery(0, 1_400_000)).isGreaterThan(1_500_000.0);
        assertThat(recovery(0, 100_000)).isLessThan(200_000.0);
    }

    @Test
    void pauseLateInTheMigration_countsFromThePause() {
        speed(500, 600, 0);
        assertThat(recovery(500_000, 600_000)).isEqualTo(100_000.0);
    }

    @Test
    void guestThatEndsSlow_isNeverBack() {
        speed(0, 3_800, 700);
        assertThat(recovery(0, 100_000)).isInfinite();
    }

    @Test
    void tooLittleBeforeTheMigration_saysNothing() {
        Arrays.fill(accesses, 0, BEFORE - 4, 0);
        assertThat(recovery(0, 0)).isNull();
    }

    @Test
    void guestThatEndedWithThePause_saysNothing() {
        assertThat(recovery(3_780_000, 3_780_000)).isNull();
    }

    @Test
    void bucketsThatAreMissing_hadNoAccesses() {
        speed(0, 1_000, 0);
        assertThat(recovery(0, 0)).isEqualTo(1_000_000.0);
    }
}
