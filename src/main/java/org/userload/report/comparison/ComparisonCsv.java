package org.userload.report.comparison;

import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A comparison as CSV: a line of names, then a line for each run in the order in which they were made. What a run does
 * not have is empty; what never happened is {@code inf}.
 */
public final class ComparisonCsv {
    private static final CsvMapper MAPPER = new CsvMapper();

    private ComparisonCsv() {}

    /** The file's content. */
    public static byte[] of(Comparison comparison) throws IOException {
        CsvSchema.Builder schema =
                CsvSchema.builder().addColumn("mode").addColumn("turn").addColumn("good");
        for (Figure figure : Figure.values()) {
            schema.addColumn(figure.key());
        }
        schema.addColumn("wire_bytes").addColumn("memory_bytes");
        for (Unsent unsent : Unsent.values()) {
            schema.addColumn(unsent.key());
        }
        schema.addColumn("error");
        StringWriter out = new StringWriter();
        try (var lines = MAPPER.writer(schema.build().withHeader()).writeValues(out)) {
            for (Run run : comparison.runs()) {
                lines.write(row(comparison, run));
            }
        }
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, @Nullable Object> row(Comparison comparison, Run run) {
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        row.put("mode", run.mode().toString());
        row.put("turn", run.turn());
        row.put("good", run.isGood());
        RunResult result = run.result();
        if (result != null) {
            Measured measured = comparison.measuredAs(run, result);
            for (Figure figure : Figure.values()) {
                row.put(figure.key(), text(figure.of(measured)));
            }
            row.put("wire_bytes", result.wireBytes());
            row.put("memory_bytes", result.memoryBytes());
            for (Unsent unsent : Unsent.values()) {
                row.put(unsent.key(), unsent.of(result));
            }
        }
        row.put("error", run.error());
        return row;
    }

    private static @Nullable Object text(@Nullable Double value) {
        if (value == null) {
            return null;
        }
        if (value.isInfinite()) {
            return "inf";
        }
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? (Object) value.longValue() : value;
    }
}
