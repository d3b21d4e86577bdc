package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PacerTest {
    private static final long SEED = 42;
    private static final long START_NANOS = Long.MAX_VALUE - 1_000_000;

    private static Trace trace;

    @BeforeAll
    static void makeTrace() throws IOException {
        trace = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 0, 8)));
    }

    /** Time that passes by sleeping only, overflows soon, and wakes up early every third time. */
    private static class SleptTime implements Pacer.Clock {
        long passedNanos;
        long sleeps;

        @Override
        public long nanoTime() {
            return START_NANOS + passedNanos;
        }

        @Override
        public void parkNanos(Object blocker, long nanos) {
            passedNanos += ++sleeps % 3 == 0 ? nanos / 2 : nanos;
        }
    }

    /** Memory of which one read takes its time. */
    private static final class SlowRead extends ArrayMemory {
        private final SleptTime time;
        private final long nanos;
        private long readsLeft;

        SlowRead(SleptTime time, long nanos, long fastReads) {
            super(4096);
            this.time = time;
            this.nanos = nanos;
            this.readsLeft = fastReads;
        }

        @Override
        public long getLong(long guestAddress) {
            if (readsLeft-- == 0) {
                time.passedNanos += nanos;
            }
            return super.getLong(guestAddress);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 7, 999, 1_000, 1_999, 12_345, 3_000_000})
    void guest_makesAsManyAccessesAsItsRateSays(long rate) {
        SleptTime time = new SleptTime();
        Replay replay = new Replay(new Program(trace, 10 * rate, SEED), new ArrayMemory(4096));
        new Pacer(replay, new AccessRate(rate), time).runTo(10 * rate);
        assertThat(replay.isFinished()).isTrue();
        long batch = Math.max(rate / 1_000, 1);
        long expectedNanos = (long) ((10.0 * rate - batch) / rate * 1e9);
        assertThat(time.passedNanos).isBetween((long) (expectedNanos * 0.999), (long) (expectedNanos * 1.001));
    }

    @ParameterizedTest
    @ValueSource(longs = {4_000_000, 9_000_000, 500_000_000, 3_600_000_000_000L})
    void guestThatWasBlocked_makesUpForTenMillisecondsAtMost(long blockedNanos) {
        SleptTime time = new SleptTime();
        Replay replay = new Replay(new Program(trace, 100_000, SEED), new SlowRead(time, blockedNanos, 10_500));
        new Pacer(replay, new AccessRate(1_000_000), time).runTo(100_000);
        // 100 batches of 1 ms, the last of which nobody waits for, and what was lost.
        long lostNanos = Math.max(blockedNanos - 1_000_000 - 10_000_000, 0);
        assertThat(time.passedNanos).isEqualTo(99_000_000 + lostNanos);
    }

    @Test
    void secondRun_owesNothingForTheTimeBetween() {
        SleptTime time = new SleptTime();
        Replay replay = new Replay(new Program(trace, 100_000, SEED), new ArrayMemory(4096));
        Pacer pacer = new Pacer(replay, new AccessRate(1_000_000), time);
        pacer.runTo(10_000);
        time.passedNanos += 1_000_000_000;
        long before = time.passedNanos;
        pacer.runTo(20_000);
        assertThat(time.passedNanos - before).isEqualTo(9_000_000);
    }

    /** Sleeps for ever unless it is woken. */
    private static final class EndlessSleep implements Pacer.Clock {
        final CountDownLatch sleeping = new CountDownLatch(1);

        @Override
        public long nanoTime() {
            return START_NANOS;
        }

        @Override
        public void parkNanos(Object blocker, long nanos) {
            sleeping.countDown();
            LockSupport.park(blocker);
        }
    }

    @Test
    void pause_endsASleep() throws Exception {
        EndlessSleep sleep = new EndlessSleep();
        try (Workload guest =
                new Workload(new Program(trace, 10, SEED), new AccessRate(1), new ArrayMemory(4096), sleep)) {
            guest.resume();
            assertThat(sleep.sleeping.await(30, TimeUnit.SECONDS)).isTrue();
            guest.pause();
            assertThat(guest.state()).isEqualTo(Workload.State.PAUSED);
            assertThat(guest.position()).isEqualTo(1);
        }
    }

    @Test
    void close_endsASleep() throws Exception {
        EndlessSleep sleep = new EndlessSleep();
        Workload guest = new Workload(new Program(trace, 10, SEED), new AccessRate(1), new ArrayMemory(4096), sleep);
        guest.resume();
        assertThat(sleep.sleeping.await(30, TimeUnit.SECONDS)).isTrue();
        guest.close();
        assertThat(guest.state()).isEqualTo(Workload.State.CLOSED);
    }

    @Test
    void interruptedRun_sleepsInsteadOfSpinning_andKeepsTheInterrupt() {
        SleptTime time = new SleptTime() {
            @Override
            public void parkNanos(Object blocker, long nanos) {
                if (Thread.currentThread().isInterrupted()) {
                    sleeps++; // an interrupted thread does not park
                } else {
                    super.parkNanos(blocker, nanos);
                }
            }
        };
        Replay replay = new Replay(new Program(trace, 20, SEED), new ArrayMemory(4096));
        Thread.currentThread().interrupt();
        new Pacer(replay, new AccessRate(1_000), time).runTo(20);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(time.passedNanos).isEqualTo(19_000_000);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void rateBelowOne_isRefused(long rate) {
        assertThatThrownBy(() -> new AccessRate(rate))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(rate + " accesses per second");
    }
}
