package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.userload.migration.Convergence.Decision;

/** What is decided after each round, by numbers alone. */
class ConvergenceTest {
    private static final long TOO_LONG = 1_000_000;
    private static final MigrationPlan PRECOPY =
            MigrationPlan.of(MigrationMode.PRECOPY).withDowntimeLimit(Duration.ofMillis(100));

    /** The decisions on so many rounds that never get smaller. */
    private static List<Decision> hopeless(MigrationPlan plan, int rounds) {
        Convergence policy = new Convergence(plan);
        List<Decision> decisions = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            decisions.add(policy.afterRound(1000, 900, TOO_LONG));
        }
        return decisions;
    }

    @Test
    void restThatFitsTheDowntimeLimit_isCopiedWithTheGuestStopped() {
        assertThat(new Convergence(PRECOPY).afterRound(1000, 900, 100_000)).isEqualTo(new Decision.StopAndCopy(true));
        assertThat(new Convergence(PRECOPY).afterRound(1000, 1, 100_001)).isEqualTo(new Decision.AnotherRound());
    }

    @Test
    void oneRoundThatIsNotSmaller_mayBeBadLuck() {
        Convergence policy = new Convergence(PRECOPY.withOnNonConvergence(OnNonConvergence.FAIL));
        assertThat(policy.afterRound(1000, 900, TOO_LONG)).isEqualTo(new Decision.AnotherRound());
        assertThat(policy.afterRound(900, 500, TOO_LONG)).isEqualTo(new Decision.AnotherRound());
        assertThat(policy.afterRound(500, 500, TOO_LONG)).isEqualTo(new Decision.AnotherRound());
        assertThat(policy.afterRound(500, 450, TOO_LONG)).isInstanceOf(Decision.GiveUp.class);
    }

    @Test
    void givingUp_saysWhatIsLeft_alsoWhenNothingIsKnownOfTheBandwidth() {
        Convergence policy = new Convergence(
                PRECOPY.withOnNonConvergence(OnNonConvergence.FAIL).withMaxRounds(1));
        assertThat(policy.afterRound(1000, 10, new Bandwidth().microsFor(1)))
                .isInstanceOfSatisfying(
                        Decision.GiveUp.class,
                        decision -> assertThat(decision.why())
                                .contains("10 pages are left", "an unknown time", "limit is 100 ms"));
    }

    @Test
    void throttle_risesInSteps_toItsCeiling_andStopsAfterTheMostRounds() {
        MigrationPlan plan = PRECOPY.withOnNonConvergence(OnNonConvergence.THROTTLE)
                .withThrottle(new ThrottleSteps(20, 30, 75))
                .withMaxRounds(11);
        List<Decision> decisions = hopeless(plan, 11);
        Decision more = new Decision.AnotherRound();
        assertThat(decisions)
                .containsExactly(
                        more,
                        new Decision.Throttle(20),
                        more,
                        new Decision.Throttle(50),
                        more,
                        new Decision.Throttle(75),
                        more,
                        more,
                        more,
                        more,
                        new Decision.StopAndCopy(false));
    }

    @Test
    void continuing_endsAfterTheMostRounds() {
        List<Decision> decisions = hopeless(PRECOPY.withMaxRounds(5), 5);
        assertThat(decisions.subList(0, 4)).containsOnly(new Decision.AnotherRound());
        assertThat(decisions.get(4)).isEqualTo(new Decision.StopAndCopy(false));
    }

    @Test
    void postCopy_followsWhenRoundsDoNotGetSmaller_orAreOver() {
        MigrationPlan plan = PRECOPY.withOnNonConvergence(OnNonConvergence.POSTCOPY);
        assertThat(hopeless(plan, 2).get(1)).isEqualTo(new Decision.SwitchToPostCopy(false));
        assertThat(hopeless(plan.withMaxRounds(1), 1).get(0)).isEqualTo(new Decision.SwitchToPostCopy(false));
    }

    @Test
    void hybrid_switchesAfterItsRounds_orAsSoonAsMoreDoNotHelp() {
        MigrationPlan hybrid = MigrationPlan.of(MigrationMode.HYBRID).withDowntimeLimit(Duration.ofMillis(100));
        assertThat(new Convergence(hybrid).afterRound(10, 10, TOO_LONG))
                .isEqualTo(new Decision.SwitchToPostCopy(false));
        Convergence two = new Convergence(hybrid.withHybridRounds(2));
        assertThat(two.afterRound(10, 0, 0)).isEqualTo(new Decision.AnotherRound());
        assertThat(two.afterRound(10, 0, 0)).isEqualTo(new Decision.SwitchToPostCopy(true));
        assertThat(hopeless(hybrid.withHybridRounds(0), 2))
                .containsExactly(new Decision.AnotherRound(), new Decision.SwitchToPostCopy(false));
        assertThat(new Convergence(hybrid.withHybridRounds(0)).afterRound(10, 1, 1))
                .isEqualTo(new Decision.SwitchToPostCopy(true));
    }

    @Test
    void bandwidth_isWhatWasAcknowledged_andZeroPagesSayNothing() {
        Bandwidth bandwidth = new Bandwidth();
        bandwidth.sample(0, 1_000_000);
        assertThat(bandwidth.microsFor(1)).isEqualTo(Long.MAX_VALUE);
        assertThat(bandwidth.microsFor(0)).isZero();
        bandwidth.sample(50_000_000, 1_000_000);
        bandwidth.sample(0, 1_000_000);
        assertThat(bandwidth.bytesPerSecond()).isEqualTo(50e6);
        bandwidth.sample(1_000_000, 10_000);
        assertThat(bandwidth.bytesPerSecond()).isEqualTo(75e6);
        assertThat(bandwidth.microsFor(75)).isEqualTo(1);
    }
}
