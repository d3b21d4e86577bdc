package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.source.ServerConfig;
import org.userload.support.CountingGuest;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** A guest that writes faster than a slow link carries, and links slower than deadlines. */
@Timeout(120)
class NonConvergenceTest {
    private static final int PAGES = 256;
    private static final Link SLOW = Link.parse("100mbit");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ThrottleSteps STEPS = new ThrottleSteps(30, 40, 90);

    /** What became of the guest. */
    private record Outcome(MigrationReport report, boolean moved, String why, List<Long> pausedNanos) {}

    /** Notes how long each pause lasts. */
    private static final class PauseNotes implements Guest {
        final List<Long> pausedNanos = new ArrayList<>();
        private final Guest guest;
        private long since;

        PauseNotes(Guest guest) {
            this.guest = guest;
        }

        @Override
        public synchronized void pause() {
            guest.pause();
            since = System.nanoTime();
        }

        @Override
        public synchronized void resume() {
            pausedNanos.add(System.nanoTime() - since);
            guest.resume();
        }

        @Override
        public byte[] saveCpuState() {
            return guest.saveCpuState();
        }

        @Override
        public void restoreCpuState(byte[] state) {
            guest.restoreCpuState(state);
        }
    }

    private static Outcome migrate(MigrationPlan plan) throws Exception {
        return migrate(plan, SLOW, PATIENCE);
    }

    private static Outcome migrate(MigrationPlan plan, Link link, Duration deadline) throws Exception {
        long seed = Seeds.of("NonConvergenceTest " + plan.onNonConvergence());
        AtomicInteger running = new AtomicInteger();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                StampingGuest here = new StampingGuest(memory, running, seed, PAGES, 0)) {
            Patterns.fill(memory, seed);
            PauseNotes notes = new PauseNotes(here);
            here.resume();
            ServerConfig config = ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withLink(link);
            try (MigrationSource source = MigrationSource.listen(config, notes, memory, plan);
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint())
                                    .withWindowPages(16)
                                    .withDeadline(deadline),
                            there -> new StampingGuest(there, running, seed, PAGES, 0))) {
                HandoverException stayed =
                        catchThrowableOfType(HandoverException.class, () -> source.migrate(PATIENCE));
                StampingGuest guest = here;
                GuestMemory at = memory;
                if (stayed == null) {
                    guest = (StampingGuest)
                            destination.resumed().get(20, TimeUnit.SECONDS).guest();
                    at = destination.destination().memory();
                    destination.completion().get(30, TimeUnit.SECONDS);
                }
                long steps = guest.steps();
                StampingGuest runner = guest;
                Threads.await("the guest runs", 20, () -> runner.steps() > steps);
                assertThat(Threads.inside(GuestThrottle.class, "run"))
                        .as("nobody throttles it any more")
                        .isZero();
                guest.close();
                assertThat(guest.isRight(at, seed)).isTrue();
                return new Outcome(
                        Objects.requireNonNull(source.report()),
                        stayed == null,
                        stayed == null ? "" : String.valueOf(stayed.getMessage()),
                        notes.pausedNanos);
            }
        }
    }

    private static MigrationPlan plan(OnNonConvergence action) {
        return MigrationPlan.of(MigrationMode.PRECOPY)
                .withDowntimeLimit(Duration.ofMillis(1))
                .withThrottle(STEPS)
                .withOnNonConvergence(action);
    }

    @Test
    void failing_leavesTheGuestHere() throws Exception {
        Outcome outcome = migrate(plan(OnNonConvergence.FAIL));
        assertThat(outcome.moved()).isFalse();
        assertThat(outcome.why()).contains("pages are left", "runs on here");
        assertThat(outcome.report().rounds()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(outcome.report().pausedNanos()).as("never stopped").isZero();
    }

    @Test
    void throttling_slowsTheGuestDown_andItMovesAtFullSpeed() throws Exception {
        Outcome outcome = migrate(plan(OnNonConvergence.THROTTLE).withMaxRounds(8));
        assertThat(outcome.moved()).isTrue();
        assertThat(outcome.report().throttlePercent()).isIn(30, 70, 90);
        assertThat(outcome.pausedNanos()).as("it was stopped now and then").isNotEmpty();
        assertThat(outcome.pausedNanos().subList(0, outcome.pausedNanos().size() - 1))
                .as("for its share of 10 ms each time, but for the last, which the move ends")
                .allMatch(nanos -> nanos >= TimeUnit.MILLISECONDS.toNanos(3));
    }

    @Test
    void switchingToPostCopy_callsBackWhatIsDirty() throws Exception {
        Outcome outcome = migrate(plan(OnNonConvergence.POSTCOPY));
        assertThat(outcome.moved()).isTrue();
        assertThat(outcome.report().converged()).isFalse();
        assertThat(outcome.report().discardedPages()).isBetween(1L, (long) PAGES);
    }

    @Test
    void continuing_stopsAfterTheMostRounds() throws Exception {
        Outcome outcome = migrate(plan(OnNonConvergence.CONTINUE).withMaxRounds(2));
        assertThat(outcome.moved()).isTrue();
        assertThat(outcome.report().converged()).isFalse();
        assertThat(outcome.report().rounds()).hasSize(3);
    }

    /** The last pages take more than a second after READY, and some come all the while. */
    @Test
    void lastPass_mayTakeLongerThanTheDeadlineOfTheDestination() throws Exception {
        Outcome outcome =
                migrate(MigrationPlan.of(MigrationMode.STOPCOPY), Link.parse("5mbit"), Duration.ofMillis(500));
        assertThat(outcome.moved()).as(outcome.why()).isTrue();
    }

    @Test
    void throttledGuest_standsStillForItsShare_andRunsFreelyAfterwards() throws Exception {
        CountingGuest counting = new CountingGuest(new CountingGuest.Census(), "");
        PauseNotes notes = new PauseNotes(counting);
        counting.resume();
        GuestThrottle throttle = new GuestThrottle(notes);
        throttle.set(20);
        Threads.await("it is throttled", 10, () -> notes.pausedNanos.size() >= 3);
        throttle.set(80);
        int before = notes.pausedNanos.size();
        Threads.await("it is throttled more", 10, () -> notes.pausedNanos.size() >= before + 5);
        throttle.close();
        assertThat(counting.isRunning()).isTrue();
        int pauses = notes.pausedNanos.size();
        assertThat(notes.pausedNanos.get(0)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(2));
        assertThat(notes.pausedNanos.get(before + 2)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(8));
        assertThat(Threads.inside(GuestThrottle.class, "run")).isZero();
        assertThat(notes.pausedNanos).hasSize(pauses);
    }
}
