package org.userload.report.comparison;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A comparison as it goes into the JSON file: schema {@code userload.comparison/1}. Described in
 * {@code docs/comparing.md}.
 *
 * @param started ISO 8601, UTC
 * @param options of every run
 * @param summary a value for each mode compared, and for the unmoved run, {@code none}
 * @param runs in the order in which they were made
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonPropertyOrder({"schema"})
public record ComparisonJson(
        String started,
        Machine machine,
        String trace,
        List<String> options,
        List<String> modes,
        int repeat,
        String finding,
        Map<String, Summary> summary,
        List<Single> runs) {

    /** The version of this layout. */
    @JsonProperty("schema")
    public String schema() {
        return "userload.comparison/1";
    }

    /** A mode: runs in all, good ones, and each figure that it has. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Summary(long runs, int good, Map<String, Range> figures) {}

    /**
     * A figure. What never happened is null; {@code never} counts such runs.
     *
     * @param runs that have the figure
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Range(
            @Nullable Double median,
            @Nullable Double min,
            @Nullable Double max,
            int runs,
            long never) {}

    /** A run with its {@code userload.result/1}, unchanged. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Single(
            String mode,
            int turn,
            @Nullable String error,
            @Nullable JsonNode result) {}

    /** The object for a comparison. */
    public static ComparisonJson of(Comparison comparison) {
        Setup setup = comparison.setup();
        Map<String, Summary> summary = new LinkedHashMap<>();
        List<ComparedMode> modes = new ArrayList<>(setup.modes());
        modes.add(ComparedMode.NONE);
        for (ComparedMode mode : modes) {
            summary.put(mode.toString(), summary(comparison, mode));
        }
        return new ComparisonJson(
                setup.started().toString(),
                setup.machine(),
                setup.trace(),
                setup.options(),
                setup.modes().stream().map(ComparedMode::toString).toList(),
                setup.repeat(),
                Finding.of(comparison),
                summary,
                comparison.runs().stream()
                        .map(run -> new Single(run.mode().toString(), run.turn(), run.error(), run.raw()))
                        .toList());
    }

    private static Summary summary(Comparison comparison, ComparedMode mode) {
        List<Measured> measured = comparison.measured(mode);
        Map<String, Range> figures = new LinkedHashMap<>();
        for (Figure figure : Figure.values()) {
            List<Double> values =
                    measured.stream().map(figure::of).filter(Objects::nonNull).toList();
            Spread spread = mode == ComparedMode.NONE && figure == Figure.SLOWDOWN ? null : Spread.of(values);
            if (spread != null) {
                long never = values.stream().filter(value -> value.isInfinite()).count();
                figures.put(
                        figure.key(),
                        new Range(
                                finite(spread.median()),
                                finite(spread.min()),
                                finite(spread.max()),
                                spread.runs(),
                                never));
            }
        }
        return new Summary(comparison.count(mode), measured.size(), figures);
    }

    private static @Nullable Double finite(double value) {
        return Double.isInfinite(value) ? null : value;
    }
}
