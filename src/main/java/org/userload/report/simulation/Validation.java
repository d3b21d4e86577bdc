package org.userload.report.simulation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.report.comparison.RunResult;
import org.userload.report.comparison.Spread;

/**
 * A model against real migrations.
 *
 * @param costs of these machines, measured by runs that are not among the cases
 * @param cases what was tried
 */
public record Validation(MachineCosts costs, List<Case> cases) {
    public Validation {
        cases = List.copyOf(cases);
    }

    /**
     * One guest, moved in one way.
     *
     * @param name what is special about it
     * @param model what the model says
     * @param runs real migrations of it, at least one
     */
    public record Case(String name, SimulatedMigration model, List<RunResult> runs) {
        public Case {
            runs = List.copyOf(runs);
        }

        /** The figures that are not zero on both sides. */
        List<Compared> figures() {
            List<Compared> figures = new ArrayList<>();
            for (ValidatedFigure figure : ValidatedFigure.values()) {
                List<Double> measured = runs.stream().map(figure::of).toList();
                double foretold = figure.of(model);
                Spread spread = Objects.requireNonNull(Spread.of(measured));
                if (foretold != 0 || spread.max() != 0) {
                    figures.add(new Compared(figure, foretold, spread));
                }
            }
            return figures;
        }
    }

    /** One figure of a case. */
    record Compared(ValidatedFigure figure, double model, Spread measured) {
        /** How far the model is above what was measured, as a part of that. */
        double error() {
            return (model - measured.median()) / measured.median();
        }

        boolean hasAim() {
            return !Double.isNaN(figure.aim());
        }

        boolean isWithinAim() {
            return Math.abs(error()) <= figure.aim();
        }
    }

    /** As it goes into the JSON file: schema {@code userload.validation/1}. */
    public Json json() {
        return new Json(
                SimulationResult.Costs.of(costs),
                cases.stream().map(CaseJson::of).toList());
    }

    /** The whole file. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonPropertyOrder("schema")
    public record Json(SimulationResult.Costs costs, List<CaseJson> cases) {
        /** The version of this layout. */
        @JsonProperty("schema")
        public String schema() {
            return "userload.validation/1";
        }
    }

    /** A case. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record CaseJson(String name, String mode, List<FigureJson> figures) {
        static CaseJson of(Case of) {
            return new CaseJson(
                    of.name(),
                    of.model().mode().toString(),
                    of.figures().stream().map(FigureJson::of).toList());
        }
    }

    /** A figure; times are microseconds. The error is a part of the median, the aim too; null without an aim. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record FigureJson(
            String figure,
            double model,
            double median,
            double min,
            double max,
            double error,
            @JsonInclude @Nullable Double aim) {
        static FigureJson of(Compared compared) {
            Spread measured = compared.measured();
            return new FigureJson(
                    compared.figure().label(),
                    compared.model(),
                    measured.median(),
                    measured.min(),
                    measured.max(),
                    compared.error(),
                    compared.hasAim() ? (Double) compared.figure().aim() : null);
        }
    }

    /** The middle one of some values. */
    public static double median(double... values) {
        return Objects.requireNonNull(Spread.of(Arrays.stream(values).boxed().toList()))
                .median();
    }
}
