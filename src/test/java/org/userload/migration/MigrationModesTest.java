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
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.transport.Endpoint;

/** A guest that writes all the time moves in every mode, and nothing it wrote or read is ever old. */
@Timeout(120)
class MigrationModesTest {
    private static final int PAGES = 4096;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    static Stream<Arguments> modes() {
        return Stream.of(MigrationMode.values())
                .flatMap(mode -> Stream.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)
                        .map(interceptor -> Arguments.of(mode, interceptor)));
    }

    @ParameterizedTest
    @MethodSource("modes")
    void writingGuest_movesWhole(MigrationMode mode, InterceptorChoice interceptor) throws Exception {
        MigrationPlan plan = MigrationPlan.of(mode).withDowntimeLimit(Duration.ofMillis(20));
        MigrationReport report = move(plan, interceptor, PAGES / 4, 0);
        assertThat(report.rounds().isEmpty()).isEqualTo(mode == MigrationMode.POSTCOPY);
    }

    @ParameterizedTest
    @MethodSource("modes")
    void guestThatWritesALittle_movesWhole(MigrationMode mode, InterceptorChoice interceptor) throws Exception {
        MigrationReport report = move(MigrationPlan.of(mode), interceptor, 64, 20_000);
        if (mode == MigrationMode.PRECOPY) {
            assertThat(report.converged()).isTrue();
            assertThat(report.rounds().get(0).pagesSent()).isEqualTo(PAGES);
        }
        if (mode == MigrationMode.HYBRID) {
            assertThat(report.discardedPages()).isBetween(1L, 64L);
        }
    }

    private static MigrationReport move(
            MigrationPlan plan, InterceptorChoice interceptor, int workingSetPages, long pauseNanos) throws Exception {
        long seed = Seeds.of("MigrationModesTest");
        AtomicInteger running = new AtomicInteger();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                StampingGuest here = new StampingGuest(memory, running, seed, workingSetPages, pauseNanos)) {
            Patterns.fill(memory, seed);
            here.resume();
            try (MigrationSource source = MigrationSource.listen(Endpoint.parse("127.0.0.1:0"), here, memory, plan);
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()).withInterceptor(interceptor),
                            there -> new StampingGuest(there, running, seed, workingSetPages, pauseNanos))) {
                long before = here.steps();
                source.migrate(PATIENCE);
                MigrationReport report = Objects.requireNonNull(source.report());
                StampingGuest there = (StampingGuest)
                        destination.resumed().get(20, TimeUnit.SECONDS).guest();
                destination.completion().get(60, TimeUnit.SECONDS);
                source.completion().get(60, TimeUnit.SECONDS);
                while (there.steps() <= here.steps()) {
                    Thread.onSpinWait();
                }
                there.pause();
                assertThat(here.steps()).isGreaterThanOrEqualTo(before);
                assertThat(there.isRight(destination.destination().memory(), seed))
                        .isTrue();
                return report;
            }
        }
    }
}
