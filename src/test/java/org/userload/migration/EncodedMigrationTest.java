package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.source.EncodingStatistics;
import org.userload.source.PageEncoding;
import org.userload.source.ServerConfig;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.transport.Endpoint;

/** A guest that writes all the time moves whole in every mode, compressed and with deltas of what it writes. */
@Timeout(120)
class EncodedMigrationTest {
    private static final int PAGES = 2048;
    private static final int WORKING_SET_PAGES = 300;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    static Stream<Arguments> waysAndModes() {
        return Stream.of(MigrationMode.values())
                .flatMap(mode -> Stream.of(Compression.values()).map(how -> Arguments.of(mode, how)));
    }

    @ParameterizedTest
    @MethodSource("waysAndModes")
    void writingGuest_movesWhole(MigrationMode mode, Compression compression) throws Exception {
        long seed = Seeds.of("EncodedMigrationTest");
        AtomicInteger running = new AtomicInteger();
        MigrationPlan plan = MigrationPlan.of(mode)
                .withMaxRounds(5)
                .withHybridRounds(mode == MigrationMode.HYBRID ? 4 : 0)
                .withDowntimeLimit(Duration.ofNanos(1_000));
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                StampingGuest here = new StampingGuest(memory, running, seed, WORKING_SET_PAGES, 20_000)) {
            Patterns.fill(memory, seed);
            here.resume();
            ServerConfig config = ServerConfig.at(Endpoint.parse("127.0.0.1:0"))
                    .withEncoding(new PageEncoding(compression, 100 << 12));
            try (MigrationSource source = MigrationSource.listen(config, here, memory, plan);
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()),
                            there -> new StampingGuest(there, running, seed, WORKING_SET_PAGES, 20_000))) {
                source.migrate(PATIENCE);
                StampingGuest there = (StampingGuest)
                        destination.resumed().get(20, TimeUnit.SECONDS).guest();
                destination.completion().get(60, TimeUnit.SECONDS);
                source.completion().get(60, TimeUnit.SECONDS);
                while (there.steps() <= here.steps()) {
                    Thread.onSpinWait();
                }
                there.pause();
                assertThat(there.isRight(destination.destination().memory(), seed))
                        .isTrue();
                check(Objects.requireNonNull(source.encodingStatistics()), mode, compression);
            }
        }
    }

    private static void check(EncodingStatistics statistics, MigrationMode mode, Compression compression) {
        assertThat(statistics.compression()).isEqualTo(compression);
        assertThat(statistics.pagesPacked() + statistics.pagesRaw()).isPositive();
        if (mode.tracksWrites()) {
            assertThat(statistics.deltaCacheBytes()).isEqualTo(100 << 12);
            assertThat(statistics.deltaHits()).isPositive();
            assertThat(statistics.deltaMisses()).isPositive();
        } else {
            assertThat(statistics.deltaCacheBytes()).isZero();
            assertThat(statistics.deltaHits() + statistics.deltaMisses()).isZero();
        }
    }
}
