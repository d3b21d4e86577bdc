package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TimerLeadTest {
    private final TimerLead lead = new TimerLead();

    @Test
    void lead_isWhatThreeOfFourTimersAreLateByOrMore() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        long later = 0;
        for (int i = 0; i < 11_000; i++) {
            long late = 20_000 + random.nextLong(20_000);
            if (i >= 1000 && late >= lead.nanos()) {
                later++;
            }
            lead.late(late);
        }
        assertThat(later).isBetween(7000L, 8000L);
    }

    @Test
    void loopThatHadOtherWork_saysNothingAboutTimers() {
        lead.late(10_000_000);
        assertThat(lead.nanos()).isZero();
    }

    @Test
    void lead_isNeverLongerThanALoopMayWait() {
        for (int i = 0; i < 1000; i++) {
            lead.late(150_000);
            assertThat(lead.nanos()).isBetween(0L, TimerLead.MOST_NANOS);
        }
        assertThat(lead.nanos()).isEqualTo(TimerLead.MOST_NANOS);
    }

    @Test
    void timersThatComeOnTime_takeTheLeadBack() {
        for (int i = 0; i < 100; i++) {
            lead.late(40_000);
        }
        for (int i = 0; i < 100; i++) {
            lead.late(0);
        }
        assertThat(lead.nanos()).isZero();
    }
}
