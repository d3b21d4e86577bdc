package org.userload.report.comparison;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;

/** What the plots of a page show, as compact JSON that may stand in a script element. */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record PlotData(List<Mode> modes, @Nullable Mode unmoved) {
    /** {@code <}, {@code >} and {@code &} as backslash-u: nothing in the data can end the script element. */
    private static final ObjectMapper MAPPER = mapper();

    /**
     * A mode by the run that stands for it, and by the spread of all its runs.
     *
     * @param turn the run that is shown, null if none is good
     * @param throughput t in ms, accesses per second
     * @param cdf latency in microseconds, percent of all faults
     * @param rounds pages sent, pages dirty at the end
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Mode(
            String mode,
            String label,
            @Nullable Integer turn,
            @Nullable Double pausedMs,
            @Nullable Double resumedMs,
            @Nullable Double pagesInMs,
            List<double[]> throughput,
            List<double[]> cdf,
            List<long[]> rounds,
            @Nullable Map map,
            @Nullable Bar downtime,
            @Nullable Bar migration) {}

    /** Page map: a cell's size in MiB, and cell, t in ms and way for each cell that arrived. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Map(double cellMib, int cells, List<Object[]> points) {}

    /** A spread in ms, with how the page writes its median. */
    record Bar(double median, double min, double max, String text) {}

    static PlotData of(Comparison comparison) {
        List<Mode> modes = new ArrayList<>();
        for (ComparedMode mode : comparison.setup().modes()) {
            modes.add(mode(comparison, mode));
        }
        Mode unmoved = comparison.measured(ComparedMode.NONE).isEmpty() ? null : mode(comparison, ComparedMode.NONE);
        return new PlotData(modes, unmoved);
    }

    private static Mode mode(Comparison comparison, ComparedMode mode) {
        Measured typical = comparison.typical(mode).orElse(null);
        RunResult result = typical == null ? null : typical.result();
        RunResult.Timeline timeline = result == null ? null : result.timeline();
        return new Mode(
                mode.toString(),
                mode.label(),
                typical == null ? null : typical.turn(),
                timeline == null ? null : millis(timeline.pausedUs()),
                timeline == null ? null : millis(timeline.resumedUs()),
                timeline == null ? null : millis(timeline.pagesInUs()),
                result == null ? List.of() : throughput(result),
                result == null ? List.of() : cdf(result),
                result == null ? List.of() : rounds(result),
                result == null ? null : map(result),
                bar(comparison, mode, Figure.DOWNTIME),
                bar(comparison, mode, Figure.MIGRATION));
    }

    private static List<double[]> throughput(RunResult result) {
        List<double[]> points = new ArrayList<>();
        if (result.throughput() != null) {
            for (RunResult.Bucket bucket : result.throughput()) {
                points.add(new double[] {bucket.tUs() / 1e3, bucket.accesses() * 1e6 / Recovery.BUCKET_US});
            }
        }
        return points;
    }

    private static List<double[]> cdf(RunResult result) {
        List<double[]> points = new ArrayList<>();
        if (result.faultLatencyCdf() != null) {
            for (RunResult.CdfPoint point : result.faultLatencyCdf()) {
                points.add(new double[] {point.us(), Math.round(point.fraction() * 1e5) / 1e3});
            }
        }
        return points;
    }

    private static List<long[]> rounds(RunResult result) {
        List<long[]> points = new ArrayList<>();
        if (result.rounds() != null) {
            for (RunResult.Round round : result.rounds()) {
                points.add(new long[] {round.pagesSent(), round.dirtyPages()});
            }
        }
        return points;
    }

    private static @Nullable Map map(RunResult result) {
        RunResult.PageMap map = result.pageMap();
        if (map == null) {
            return null;
        }
        List<Object[]> points = new ArrayList<>();
        for (int i = 0; i < map.cells().size(); i++) {
            RunResult.Cell cell = map.cells().get(i);
            if (cell.tUs() != null && cell.way() != null) {
                points.add(new Object[] {i, cell.tUs() / 1e3, cell.way()});
            }
        }
        double cellMib = (double) map.pagesPerCell() * PageSize.DEFAULT.bytes() / (1 << 20);
        return new Map(cellMib, map.cells().size(), points);
    }

    private static @Nullable Bar bar(Comparison comparison, ComparedMode mode, Figure figure) {
        Spread spread = comparison.spread(mode, figure);
        return spread == null
                ? null
                : new Bar(
                        spread.median() / 1e3,
                        spread.min() / 1e3,
                        spread.max() / 1e3,
                        figure.unit().median(spread));
    }

    private static @Nullable Double millis(@Nullable Long micros) {
        return micros == null ? null : (Double) (micros / 1e3);
    }

    /** JSON without a character that means anything to an HTML parser. */
    String json() throws JsonProcessingException {
        return MAPPER.writeValueAsString(this);
    }

    private static ObjectMapper mapper() {
        JsonMapper mapper = new JsonMapper();
        mapper.getFactory().setCharacterEscapes(new NoMarkup());
        return mapper;
    }

    private static final class NoMarkup extends CharacterEscapes {
        private static final long serialVersionUID = 1;

        private final int[] escapes = CharacterEscapes.standardAsciiEscapesForJSON();

        NoMarkup() {
            for (char c : new char[] {'<', '>', '&', '\''}) {
                escapes[c] = CharacterEscapes.ESCAPE_STANDARD;
            }
        }

        @Override
        public int[] getEscapeCodesForAscii() {
            return escapes.clone();
        }

        @Override
        public @Nullable SerializableString getEscapeSequence(int c) {
            return c == 0x2028 || c == 0x2029 ? new SerializedString(String.format("\\u%04x", c)) : null;
        }
    }
}
