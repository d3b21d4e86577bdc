package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.Patterns;
import org.userload.transport.Endpoint;

@Timeout(60)
class DestinationTest {
    private static final long SEED = 42;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 3000), new RegionTable.Entry(1L << 40, 1000)));

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void memory_isUsableAtOnce_andCompleteInTheEnd(InterceptorChoice choice) throws Exception {
        run(Endpoint.parse("127.0.0.1:0"), choice);
    }

    @Test
    void unixSockets_work(@TempDir Path directory) throws Exception {
        run(new Endpoint.Unix(directory.resolve("source.sock")), InterceptorChoice.AUTO);
    }

    private void run(Endpoint endpoint, InterceptorChoice choice) throws Exception {
        try (GuestMemory origin = GuestMemory.present(TABLE)) {
            Patterns.fill(origin, SEED);
            LivePageSource source = new LivePageSource(origin, "test guest");
            try (PageServer server = PageServer.serve(endpoint, source, new ServerListener() {});
                    Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                            .withInterceptor(choice)
                            .withStreamAtOnce(false))) {
                GuestMemory memory = destination.memory();
                SplittableRandom random = new SplittableRandom(SEED);
                for (int i = 0; i < 1000; i++) {
                    long address = random.nextLong(3000L << 12) & -8;
                    assertThat(memory.getLong(address)).isEqualTo(Patterns.wordAt(address, SEED));
                }
                destination.startStream();
                DestinationStatistics statistics = destination.completion().get(30, TimeUnit.SECONDS);
                System.out.println(statistics.pages() + " wire " + statistics.wireBytes() + " "
                        + statistics.faultLatencyNanos().getValueAtPercentile(50));
                assertThat(statistics.pagesInPlace()).isEqualTo(TABLE.totalPages());
                assertThat(Patterns.firstDifference(memory, SEED)).isEqualTo(-1);
            }
        }
    }
}
