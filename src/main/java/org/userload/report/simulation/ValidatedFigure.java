package org.userload.report.simulation;

import org.jspecify.annotations.Nullable;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.report.comparison.RunResult;
import org.userload.report.comparison.Unit;

/** What a model foretells and a run measures. */
enum ValidatedFigure {
    DOWNTIME("downtime", Unit.MICROS, 0.25),
    MIGRATION("migration", Unit.MICROS, 0.15),
    SENT("sent MB", Unit.COUNT, 0.15),
    ROUNDS("rounds", Unit.COUNT, Double.NaN),
    FAULTS("faults", Unit.COUNT, Double.NaN),
    BLOCKED("blocked", Unit.MICROS, Double.NaN);

    private final String label;
    private final Unit unit;
    private final double aim;

    ValidatedFigure(String label, Unit unit, double aim) {
        this.label = label;
        this.unit = unit;
        this.aim = aim;
    }

    String label() {
        return label;
    }

    Unit unit() {
        return unit;
    }

    /** The error that a model may have, as a part of what is measured; NaN where nothing is promised. */
    double aim() {
        return aim;
    }

    double of(SimulatedMigration model) {
        return switch (this) {
            case DOWNTIME -> model.downtimeMicros();
            case MIGRATION -> model.migrationMicros();
            case SENT -> model.wireBytes() / 1e6;
            case ROUNDS -> model.rounds().size();
            case FAULTS -> model.faults();
            case BLOCKED -> model.blockedMicros();
        };
    }

    double of(RunResult run) {
        return switch (this) {
            case DOWNTIME -> number(run.downtimeUs());
            case MIGRATION -> number(run.migrationUs());
            case SENT -> number(run.wireBytes()) / 1e6;
            case ROUNDS -> run.rounds() == null ? 0 : run.rounds().size();
            case FAULTS ->
                run.faultLatencyUs() == null ? 0 : run.faultLatencyUs().count();
            case BLOCKED -> number(run.blockedUs());
        };
    }

    private static double number(@Nullable Long value) {
        return value == null ? 0 : value.doubleValue();
    }
}
