package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.CountingGuest;
import org.userload.support.Patterns;
import org.userload.transport.Endpoint;

/** Both real sides in one process. */
@Timeout(60)
class HandoverTest {
    private static final long SEED = 3;

    @RepeatedTest(5)
    void guestMoves_withItsMemory_andNeverRunsTwice() throws Exception {
        CountingGuest.Census census = new CountingGuest.Census();
        CountingGuest here = new CountingGuest(census, "travelling");
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(2000))) {
            Patterns.fill(memory, SEED);
            here.resume();
            try (MigrationSource source = MigrationSource.listen(
                            Endpoint.parse("127.0.0.1:0"), here, memory, MigrationPlan.of(MigrationMode.POSTCOPY));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()), there -> new CountingGuest(census, ""))) {
                long downtimeMicros = source.migrate(Duration.ofSeconds(20));
                MigrationDestination.Resumed resumed = destination.resumed().get(20, TimeUnit.SECONDS);
                assertThat(resumed.downtimeMicros()).isEqualTo(downtimeMicros).isPositive();
                assertThat(((CountingGuest) resumed.guest()).state()).isEqualTo("travelling");
                assertThat(((CountingGuest) resumed.guest()).isRunning()).isTrue();
                assertThat(here.isRunning()).isFalse();
                assertThat(census.most()).isEqualTo(1);
                destination.completion().get(30, TimeUnit.SECONDS);
                source.completion().get(30, TimeUnit.SECONDS);
                assertThat(Patterns.firstDifference(destination.destination().memory(), SEED))
                        .isEqualTo(-1);
            }
        }
    }
}
