package org.userload.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.IoEventLoop;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.linux.CpuAffinity;

@Timeout(60)
class WaitPolicyTest {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static IoEventLoop start(EventLoops loops, WaitPolicy policy) {
        return loops.start("wait-test", new Placement(List.of(), policy), 0, true);
    }

    /** CPU time of a loop that has had work, over a second in which it has none. */
    private static long idleCpuNanos(WaitPolicy policy) throws Exception {
        try (EventLoops loops = new EventLoops()) {
            IoEventLoop loop = start(loops, policy);
            long thread = loop.submit(() -> Thread.currentThread().getId()).get(10, TimeUnit.SECONDS);
            for (int i = 0; i < 100; i++) {
                loop.submit(() -> {}).get(10, TimeUnit.SECONDS);
            }
            Thread.sleep(50);
            long before = THREADS.getThreadCpuTime(thread);
            Thread.sleep(1_000);
            return THREADS.getThreadCpuTime(thread) - before;
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = WaitPolicy.class,
            names = {"BLOCK", "ADAPTIVE"})
    void idleLoop_doesNotUseItsCpu(WaitPolicy policy) throws Exception {
        assertThat(idleCpuNanos(policy)).isLessThan(TimeUnit.MILLISECONDS.toNanos(20));
    }

    /** What the others are compared with: a loop that does use it is seen. */
    @Test
    void spinningLoop_usesItsCpu() throws Exception {
        assertThat(idleCpuNanos(WaitPolicy.SPIN)).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(60));
    }

    @ParameterizedTest
    @EnumSource(WaitPolicy.class)
    void tasksAndTimers_runInTime_howeverTheLoopWaits(WaitPolicy policy) throws Exception {
        try (EventLoops loops = new EventLoops()) {
            IoEventLoop loop = start(loops, policy);
            CountDownLatch timers = new CountDownLatch(20);
            for (int i = 0; i < 20; i++) {
                loop.schedule(timers::countDown, i, TimeUnit.MILLISECONDS);
                assertThat(loop.submit(() -> "done").get(10, TimeUnit.SECONDS)).isEqualTo("done");
            }
            assertThat(timers.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void loops_runOnTheirCpus_inTurn() throws Exception {
        int here = CpuAffinity.currentCpu();
        try (EventLoops loops = new EventLoops()) {
            IoEventLoop loop = loops.start("pin-test", new Placement(List.of(here), WaitPolicy.BLOCK), 3, false);
            String allowed = loop.submit(() -> Files.readString(Path.of("/proc/thread-self/status")))
                    .get(10, TimeUnit.SECONDS);
            assertThat(allowed).contains("Cpus_allowed_list:\t" + here + "\n");
        }
        Placement placement = new Placement(List.of(4, 7), WaitPolicy.BLOCK);
        assertThat(new int[] {placement.cpuOf(0), placement.cpuOf(1), placement.cpuOf(2)})
                .containsExactly(4, 7, 4);
    }

    @Test
    void cpuThatIsNotThere_isAnError_thatNamesIt() {
        try (EventLoops loops = new EventLoops()) {
            assertThatThrownBy(() -> loops.start("pin-test", new Placement(List.of(1023), WaitPolicy.BLOCK), 0, false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("CPU 1023");
        }
    }

    @Test
    void listOfCpus_isReadAsTasksetDoes() {
        assertThat(Placement.parseCpus("0,2-4,1")).containsExactly(0, 2, 3, 4, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "1,", "-1", "3-1", "0-9999999999", "0-5000", "1--2"})
    void anythingElse_isAnError_thatShowsTheForm(String text) {
        assertThatThrownBy(() -> Placement.parseCpus(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0,2-3");
    }
}
