package org.userload.cli;

import java.time.Duration;
import java.util.List;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.migration.simulation.SimulatedGuest.Pattern;
import org.userload.migration.simulation.SimulatedGuest.Place;
import org.userload.transport.Link;

/**
 * A guest small enough to be moved really, on a link slow enough that these machines are not the limit.
 *
 * @param name what is special about it
 */
record ValidationCase(String name, SimulatedGuest guest, Link link, MigrationPlan plan) {
    private static final int PAGES_PER_MIB = 256;
    private static final Link LOCAL = Link.parse("1gbit/200us");

    /** A round trip that is long against what a thread waits for its CPU. */
    private static final Link FAST = Link.parse("1gbit/10ms");

    private static final Link SLOW = Link.parse("100mbit/10ms");
    private static final int BUSY_ROUNDS = 4;

    /** Those of {@code simulate --validate}. */
    static List<ValidationCase> all() {
        SimulatedGuest idle = guest(128, 1, 0);
        SimulatedGuest calm = guest(128, 32, 4_000);
        SimulatedGuest busy = guest(64, 32, 100_000);
        SimulatedGuest small = guest(16, 4, 500);
        return List.of(
                new ValidationCase("idle, 128 MiB, 1gbit/200us", idle, LOCAL, plan(MigrationMode.PRECOPY, 300)),
                new ValidationCase("idle, 128 MiB, 1gbit/10ms", idle, FAST, plan(MigrationMode.PRECOPY, 300)),
                new ValidationCase("calm, 128 MiB, 1gbit/10ms", calm, FAST, plan(MigrationMode.PRECOPY, 50)),
                new ValidationCase(
                        "busy, 64 MiB, 1gbit/10ms",
                        busy,
                        FAST,
                        plan(MigrationMode.PRECOPY, 100).withMaxRounds(BUSY_ROUNDS)),
                new ValidationCase("busy, 64 MiB, 1gbit/10ms", busy, FAST, plan(MigrationMode.HYBRID, 300)),
                new ValidationCase("busy, 64 MiB, 1gbit/10ms", busy, FAST, plan(MigrationMode.POSTCOPY, 300)),
                new ValidationCase("busy, 64 MiB, 1gbit/10ms", busy, FAST, plan(MigrationMode.STOPCOPY, 300)),
                new ValidationCase("calm, 16 MiB, 100mbit/10ms", small, SLOW, plan(MigrationMode.PRECOPY, 100)),
                new ValidationCase("calm, 16 MiB, 100mbit/10ms", small, SLOW, plan(MigrationMode.POSTCOPY, 300)));
    }

    /** The working set lies first, as a synthetic trace has it. */
    static SimulatedGuest guest(int mebibytes, int workingSetMebibytes, int writesPerSecond) {
        return new SimulatedGuest(
                (long) mebibytes * PAGES_PER_MIB,
                SimulatedGuest.Idle.NONE,
                (long) workingSetMebibytes * PAGES_PER_MIB,
                Place.FIRST,
                Pattern.RANDOM,
                writesPerSecond,
                Math.max(writesPerSecond, 1));
    }

    static MigrationPlan plan(MigrationMode mode, int downtimeLimitMillis) {
        return MigrationPlan.of(mode).withDowntimeLimit(Duration.ofMillis(downtimeLimitMillis));
    }
}
