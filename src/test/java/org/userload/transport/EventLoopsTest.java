package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.TimerSlack;

@Timeout(20)
class EventLoopsTest {
    @Test
    void loopOfEpoll_hasNoTimerSlack() throws Exception {
        assertThat(EventLoops.isEpoll()).isTrue();
        try (EventLoops loops = new EventLoops()) {
            long nanos =
                    loops.start("slack-test").submit(TimerSlack::currentNanos).get(10, TimeUnit.SECONDS);
            assertThat(nanos).isLessThanOrEqualTo(1);
        }
    }
}
