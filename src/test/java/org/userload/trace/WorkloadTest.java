package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkloadTest {
    private static final long SEED = 42;

    private static Trace trace;
    private static CpuState last;

    @BeforeAll
    static void runOnceWithoutPause() throws IOException {
        trace = TraceLoader.loadDefault();
        Replay replay = new Replay(Program.once(trace, SEED), ReplayTest.filled(trace, SEED));
        replay.runTo(trace.accessCount());
        last = replay.state();
    }

    @Test
    void guestPausedAtRandomMoments_andMovedEachTime_givesTheSameChecksum() throws Exception {
        Random random = new Random(TestTraces.seed("paused guest"));
        ArrayMemory memory = ReplayTest.filled(trace, SEED);
        Workload guest = new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, memory);
        int pauses = 0;
        guest.resume();
        while (true) {
            LockSupport.parkNanos(random.nextInt(2_000_000));
            guest.pause();
            if (guest.state() == Workload.State.FINISHED) {
                break;
            }
            assertThat(guest.state()).isEqualTo(Workload.State.PAUSED);
            long position = guest.position();
            byte[] saved = guest.saveCpuState();
            assertThat(CpuState.fromBytes(saved).position()).isEqualTo(position);
            guest.close();
            guest = new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, memory);
            guest.restoreCpuState(saved);
            guest.resume();
            pauses++;
        }
        assertThat(guest.completion().get(10, TimeUnit.SECONDS)).isEqualTo(last);
        System.out.println("paused " + pauses + " times");
        guest.close();
    }

    @Test
    void rate_changesNothingInTheChecksum_alsoWithPauses() throws Exception {
        Random random = new Random(TestTraces.seed("paced guest"));
        AccessRate rate = new AccessRate(20_000_000);
        try (Workload guest = new Workload(Program.once(trace, SEED), rate, ReplayTest.filled(trace, SEED))) {
            guest.runTo(1_000_000);
            while (guest.state() != Workload.State.FINISHED) {
                guest.resume();
                LockSupport.parkNanos(random.nextInt(20_000_000));
                guest.pause();
                long position = guest.position();
                Thread.onSpinWait();
                assertThat(guest.position()).isEqualTo(position);
            }
            assertThat(guest.completion().get(10, TimeUnit.SECONDS)).isEqualTo(last);
        }
    }

    @Test
    void guestPausedAndResumedInPlace_givesTheSameChecksum() throws Exception {
        Random random = new Random(TestTraces.seed("guest in place"));
        try (Workload guest =
                new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, ReplayTest.filled(trace, SEED))) {
            while (guest.state() != Workload.State.FINISHED) {
                guest.resume();
                LockSupport.parkNanos(random.nextInt(500_000));
                guest.pause();
                long position = guest.position();
                Thread.onSpinWait();
                assertThat(guest.position()).isEqualTo(position);
            }
            assertThat(guest.completion().get(10, TimeUnit.SECONDS)).isEqualTo(last);
            assertThat(CpuState.fromBytes(guest.saveCpuState())).isEqualTo(last);
        }
    }

    @Test
    void runTo_stopsExactlyThere_andLeavesTheGuestPaused() throws Exception {
        try (Workload guest =
                new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, ReplayTest.filled(trace, SEED))) {
            guest.runTo(1_234_567);
            assertThat(guest.position()).isEqualTo(1_234_567);
            assertThat(guest.state()).isEqualTo(Workload.State.PAUSED);
            guest.runTo(1_000);
            assertThat(guest.position()).isEqualTo(1_234_567);
            guest.resume();
            assertThat(guest.completion().get(10, TimeUnit.SECONDS)).isEqualTo(last);
        }
    }

    @Test
    void guestWithNothingLeft_finishesOnResume() throws Exception {
        try (Workload guest =
                new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, new ArrayMemory(trace.memoryBytes()))) {
            guest.restoreCpuState(last.toBytes());
            guest.resume();
            assertThat(guest.completion().get(10, TimeUnit.SECONDS)).isEqualTo(last);
        }
    }

    @Test
    void failingMemory_failsTheGuest_andReleasesThePauser() {
        Workload guest = new Workload(
                Program.once(trace, SEED), AccessRate.FULL_SPEED, new FailingMemory(trace.memoryBytes(), 1_000));
        guest.resume();
        assertThatThrownBy(() -> guest.completion().get(10, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseMessage("the source is gone");
        guest.pause();
        assertThat(guest.state()).isEqualTo(Workload.State.FAILED);
        assertThatThrownBy(guest::saveCpuState).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(guest::resume).hasMessageContaining("FAILED");
        guest.close();
    }

    @Test
    void failingMemory_failsRunTo_inItsCaller() {
        try (Workload guest = new Workload(
                Program.once(trace, SEED), AccessRate.FULL_SPEED, new FailingMemory(trace.memoryBytes(), 10))) {
            assertThatThrownBy(() -> guest.runTo(100_000)).hasMessage("the source is gone");
            assertThat(guest.state()).isEqualTo(Workload.State.FAILED);
        }
    }

    @Test
    void closedGuest_completesWithAnError_andEndsItsThread() {
        Workload guest = new Workload(Program.once(trace, SEED), AccessRate.FULL_SPEED, ReplayTest.filled(trace, SEED));
        guest.resume();
        guest.pause();
        boolean finished = guest.state() == Workload.State.FINISHED;
        guest.close();
        guest.close();
        assertThat(guest.completion().isCompletedExceptionally()).isEqualTo(!finished);
        assertThatThrownBy(guest::resume).hasMessageContaining("CLOSED");
    }

    @Test
    void runningGuest_refusesWhatNeedsAPausedOne() throws IOException {
        Trace endless = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 0, 8)));
        try (Workload guest = new Workload(Program.once(endless, SEED), AccessRate.FULL_SPEED, new BlockingMemory())) {
            guest.resume();
            assertThatThrownBy(guest::saveCpuState).hasMessageContaining("RUNNING");
            assertThatThrownBy(guest::resume).hasMessageContaining("RUNNING");
            assertThatThrownBy(() -> guest.runTo(1)).hasMessageContaining("RUNNING");
            assertThatThrownBy(() -> guest.restoreCpuState(
                            CpuState.first(Program.once(endless, SEED)).toBytes()))
                    .hasMessageContaining("RUNNING");
        }
    }
}
