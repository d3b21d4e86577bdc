package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.support.TestJvm;
import org.userload.support.Threads;
import org.userload.trace.ThroughputSamples.Sample;

@Timeout(60)
class ThroughputSamplerTest {
    private static long increase(ThroughputSamples samples) {
        List<Sample> list = samples.samples();
        return list.get(list.size() - 1).accesses() - list.get(0).accesses();
    }

    @Test
    void samples_countTheAccessesDoneHere_andNotThoseBefore() throws Exception {
        Trace trace = TraceLoader.loadDefault();
        ArrayMemory memory = ReplayTest.filled(trace, 1);
        Program program = Program.once(trace, 1);
        try (Workload first = new Workload(program, AccessRate.FULL_SPEED, memory);
                Workload second = new Workload(program, AccessRate.FULL_SPEED, memory);
                ThroughputSampler here = ThroughputSampler.start(first);
                ThroughputSampler there = ThroughputSampler.start(second)) {
            first.runTo(2_000_000);
            second.restoreCpuState(first.saveCpuState());
            there.sample();
            second.resume();
            second.completion().get(30, TimeUnit.SECONDS);
            here.close();
            there.close();
            assertThat(increase(here.samples())).isEqualTo(2_000_000);
            assertThat(increase(there.samples())).isEqualTo(trace.accessCount() - 2_000_000);
        }
    }

    @Test
    void sampler_looksByItself_andAgain() throws Exception {
        AtomicLong accesses = new AtomicLong();
        try (ThroughputSampler sampler = ThroughputSampler.start(accesses::incrementAndGet)) {
            Threads.await("five samples", 30, () -> sampler.samples().samples().size() >= 5);
        }
    }

    @Test
    void idleGuest_takesTwoSamplesHoweverLong() {
        AtomicLong accesses = new AtomicLong(5);
        try (ThroughputSampler sampler = ThroughputSampler.start(accesses::get)) {
            for (int i = 0; i < 1_000; i++) {
                sampler.sample();
            }
            assertThat(sampler.samples().samples()).hasSize(2);
            accesses.set(6);
            sampler.sample();
            assertThat(sampler.samples().samples()).hasSizeBetween(3, 4);
        }
    }

    @Test
    void closedSampler_keepsItsSamples_takesNoMore_andLeavesNoThread() {
        AtomicLong accesses = new AtomicLong();
        ThroughputSampler sampler = ThroughputSampler.start(accesses::get);
        accesses.set(7);
        sampler.close();
        ThroughputSamples kept = sampler.samples();
        assertThat(increase(kept)).isEqualTo(7);
        assertThat(sampler.thread().isAlive()).isFalse();
        accesses.set(8);
        sampler.sample();
        sampler.close();
        assertThat(sampler.samples()).isEqualTo(kept);
    }

    @Test
    void samplesThatGoBackwards_areRefused() {
        assertThatThrownBy(() -> new ThroughputSamples(List.of(new Sample(2, 0), new Sample(1, 0))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ThroughputSamples(List.of(new Sample(1, 5), new Sample(2, 4))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** What puts the samples of two processes on one axis. */
    @Test
    void nanoTime_isOneClockForTheProcessesOfAHost() throws Exception {
        long before = System.nanoTime();
        TestJvm.Result child = TestJvm.run(30, PrintNanoTime.class);
        long after = System.nanoTime();
        assertThat(child.exitCode()).as(child.output()).isZero();
        long there = Long.parseLong(child.output().trim());
        assertThat(there - before).isPositive();
        assertThat(after - there).isPositive();
    }

    /** The child. */
    static final class PrintNanoTime {
        public static void main(String[] arguments) {
            System.out.println(System.nanoTime());
        }
    }
}
