package org.userload.report.comparison;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.userload.report.Quantities;

/** A comparison as a table for people: a row for each figure, a column for each mode; at most 100 columns wide. */
public final class ComparisonTable {
    private ComparisonTable() {}

    /** One line of the table: what it is, and a cell for each mode. */
    record Row(String name, String meaning, List<Cell> cells) {}

    /** A median and its range, which is empty for a single run. */
    record Cell(String median, String range) {
        private static final Cell NONE = new Cell("-", "");

        String text() {
            return range.isEmpty() ? median : median + " (" + range + ")";
        }
    }

    /** The table, a line on the unmoved run and the finding, without a line break at the end. */
    public static String of(Comparison comparison) {
        List<ComparedMode> modes = comparison.setup().modes();
        List<ColumnData<Row>> columns = new ArrayList<>();
        columns.add(new Column().dataAlign(HorizontalAlign.LEFT).with(Row::name));
        for (int i = 0; i < modes.size(); i++) {
            int mode = i;
            columns.add(new Column()
                    .header(modes.get(i).label())
                    .headerAlign(HorizontalAlign.LEFT)
                    .dataAlign(HorizontalAlign.LEFT)
                    .with(row -> row.cells.get(mode).text()));
        }
        String table = AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(rows(comparison), columns)
                .asString();
        return heading(comparison) + "\n\n" + table + "\n\n" + unmoved(comparison) + "\n" + Finding.of(comparison);
    }

    /** All rows: the figures, then what was verified. */
    static List<Row> rows(Comparison comparison) {
        List<Row> rows = new ArrayList<>();
        for (Figure figure : Figure.values()) {
            rows.add(new Row(
                    figure.label(),
                    figure.meaning(),
                    comparison.setup().modes().stream()
                            .map(mode -> cell(comparison, mode, figure))
                            .toList()));
        }
        for (Unsent unsent : Unsent.values()) {
            if (comparison.runs().stream().anyMatch(run -> unsent.isWorthARow(run.result()))) {
                rows.add(new Row(
                        unsent.label(),
                        unsent.meaning(),
                        comparison.setup().modes().stream()
                                .map(mode -> cell(comparison, mode, unsent))
                                .toList()));
            }
        }
        rows.add(new Row(
                "verified",
                "runs whose memory and checksum equal a run that never moved",
                comparison.setup().modes().stream()
                        .map(mode -> new Cell(comparison.measured(mode).size() + "/" + comparison.count(mode), ""))
                        .toList()));
        return rows;
    }

    private static Cell cell(Comparison comparison, ComparedMode mode, Figure figure) {
        return cell(comparison.spread(mode, figure), figure.unit());
    }

    private static Cell cell(Comparison comparison, ComparedMode mode, Unsent unsent) {
        return cell(
                Spread.of(comparison.measured(mode).stream()
                        .map(run -> unsent.of(run.result()))
                        .filter(Objects::nonNull)
                        .map(Long::doubleValue)
                        .toList()),
                unsent.unit());
    }

    private static Cell cell(@Nullable Spread spread, Unit unit) {
        return spread == null ? Cell.NONE : new Cell(unit.median(spread), unit.range(spread));
    }

    private static String heading(Comparison comparison) {
        Setup setup = comparison.setup();
        String memory = comparison
                .anyResult()
                .map(result -> Quantities.bytes(result.memoryBytes()) + " of memory, ")
                .orElse("");
        String options = setup.options().isEmpty() ? "" : "\n" + String.join(" ", setup.options());
        return setup.trace() + ", " + memory
                + (setup.repeat() == 1 ? "one run" : "median of " + setup.repeat() + " runs (min-max)") + options;
    }

    /** What the unmoved run took, or that there is none. */
    static String unmoved(Comparison comparison) {
        Spread guest = comparison.spread(ComparedMode.NONE, Figure.GUEST);
        return guest == null
                ? "No unmoved run: there is no slowdown without it."
                : "Unmoved, the guest takes " + Figure.GUEST.unit().text(guest) + ".";
    }
}
