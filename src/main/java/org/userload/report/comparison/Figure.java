package org.userload.report.comparison;

import org.jspecify.annotations.Nullable;
import org.userload.report.LatencySummary;

/** What is compared. Less is better for all of them. */
public enum Figure {
    DOWNTIME("downtime_us", "downtime", Unit.MICROS, "from the pause until the guest runs again"),
    MIGRATION("migration_us", "migration", Unit.MICROS, "from its start until every page is in place"),
    SENT("sent_ratio", "sent / memory", Unit.RATIO, "bytes on all connections by the size of guest memory"),
    FAULTS("faults", "faults", Unit.COUNT, "touches that waited for a page"),
    FAULT_P50("fault_p50_us", "fault p50", Unit.MICROS, "half of the faults took at most this"),
    FAULT_P99("fault_p99_us", "fault p99", Unit.MICROS, "99 of 100 faults took at most this"),
    BLOCKED("blocked_us", "blocked", Unit.MICROS, "all faults together"),
    GUEST("guest_us", "guest time", Unit.MICROS, "the guest's run time, pause included"),
    SLOWDOWN("slowdown", "slowdown", Unit.RATIO, "guest time by that of the unmoved run of its turn"),
    RECOVERY("recovery_us", "back at 90 %", Unit.MICROS, "from the pause until throughput stays at 90 % of before");

    private final String key;
    private final String label;
    private final Unit unit;
    private final String meaning;

    Figure(String key, String label, Unit unit, String meaning) {
        this.key = key;
        this.label = label;
        this.unit = unit;
        this.meaning = meaning;
    }

    /** Its name in JSON and CSV. */
    public String key() {
        return key;
    }

    /** Its name for people. */
    public String label() {
        return label;
    }

    /** Its unit. */
    public Unit unit() {
        return unit;
    }

    /** What it means, in a few words. */
    public String meaning() {
        return meaning;
    }

    /** Of a run; null if the run does not have it. */
    public @Nullable Double of(Measured run) {
        RunResult result = run.result();
        LatencySummary faults = result.faultLatencyUs();
        return switch (this) {
            case DOWNTIME -> number(result.downtimeUs());
            case MIGRATION -> number(result.wholeMigrationUs());
            case SENT ->
                result.wireBytes() == null || result.memoryBytes() <= 0
                        ? null
                        : (Double) ((double) result.wireBytes() / result.memoryBytes());
            case FAULTS -> faults == null ? null : (Double) (double) faults.count();
            case FAULT_P50 -> faults == null || faults.count() == 0 ? null : (Double) faults.p50();
            case FAULT_P99 -> faults == null || faults.count() == 0 ? null : (Double) faults.p99();
            case BLOCKED -> number(result.blockedUs());
            case GUEST -> number(result.guestUs());
            case SLOWDOWN -> run.slowdown();
            case RECOVERY -> Recovery.of(result);
        };
    }

    private static @Nullable Double number(@Nullable Long value) {
        return value == null ? null : (Double) value.doubleValue();
    }
}
