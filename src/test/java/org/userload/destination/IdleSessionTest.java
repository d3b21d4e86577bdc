package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.support.FakeSource;
import org.userload.transport.Endpoint;
import org.userload.transport.Placement;
import org.userload.transport.WaitPolicy;

/** A session in which nobody touches anything uses no CPU, whatever it did a moment ago; faults are served in every policy. */
@Timeout(60)
@Isolated("looks at threads by name")
class IdleSessionTest {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @EnumSource(WaitPolicy.class)
    void sessionThatIsIdle_usesNoCpu_unlessItWasToldToSpin(WaitPolicy policy) throws Exception {
        Placement placement = new Placement(List.of(), policy);
        try (GuestMemory origin = GuestMemory.present(RegionTable.single(64))) {
            for (long address = 0; address < origin.sizeBytes(); address += 8) {
                origin.putLong(address, FakeSource.wordAt(address));
            }
            try (PageServer server = PageServer.serve(
                            ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withPlacement(placement),
                            new LivePageSource(origin, "origin"),
                            new ServerListener() {});
                    Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                            .withInterceptor(InterceptorChoice.USERFAULTFD)
                            .withPlacement(placement)
                            .withStreamAtOnce(false))) {
                for (long page = 0; page < 60; page++) {
                    assertThat(destination.memory().getLong(page << 12)).isEqualTo(FakeSource.wordAt(page << 12));
                }
                Thread.sleep(50);
                long before = cpuNanos();
                Thread.sleep(1_000);
                long used = cpuNanos() - before;
                if (policy == WaitPolicy.SPIN) {
                    assertThat(used).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(100));
                } else {
                    assertThat(used).isLessThan(TimeUnit.MILLISECONDS.toNanos(30));
                }
            }
        }
    }

    private static long cpuNanos() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("userload-"))
                .mapToLong(thread -> Math.max(0, THREADS.getThreadCpuTime(thread.getId())))
                .sum();
    }
}
