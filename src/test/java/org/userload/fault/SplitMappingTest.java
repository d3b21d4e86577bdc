package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.NativeTouch;
import org.userload.support.Patterns;
import org.userload.transport.Endpoint;

/** Whoever advises the kernel about a part of the memory splits its mapping; installs must go on across the borders. */
@Timeout(60)
class SplitMappingTest {
    private static final long SEED = 9;

    @Test
    void advisedPart_doesNotStopTheRest() throws Exception {
        RegionTable table = RegionTable.single(1024);
        try (GuestMemory origin = GuestMemory.present(table)) {
            Patterns.fill(origin, SEED);
            try (PageServer server = PageServer.serve(
                            Endpoint.parse("127.0.0.1:0"),
                            new LivePageSource(origin, "guest"),
                            new ServerListener() {});
                    Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                            .withInterceptor(InterceptorChoice.USERFAULTFD)
                            .withStreamAtOnce(false))) {
                GuestMemory memory = destination.memory();
                NativeTouch.doNotFork(memory.nativeAddress(500L << 12), 10 << 12);
                destination.startStream();
                DestinationStatistics statistics = destination.completion().get(30, TimeUnit.SECONDS);
                assertThat(statistics.pages().duplicate()).isZero();
                assertThat(Patterns.firstDifference(memory, SEED)).isEqualTo(-1);
            }
        }
    }
}
