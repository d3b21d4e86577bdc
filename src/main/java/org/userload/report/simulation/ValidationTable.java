package org.userload.report.simulation;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.userload.report.Quantities;
import org.userload.report.comparison.Spread;

/** A validation as a table for people: a row for each figure of each case. */
public final class ValidationTable {
    private ValidationTable() {}

    private record Row(String name, String mode, String figure, String model, String measured, String error) {}

    /** The table, and what was measured to make the model, without a line break at the end. */
    public static String of(Validation validation) {
        List<Row> rows = new ArrayList<>();
        int missed = 0;
        for (Validation.Case one : validation.cases()) {
            boolean isFirst = true;
            for (Validation.Compared compared : one.figures()) {
                rows.add(row(
                        isFirst ? one.name() : "", isFirst ? one.model().mode().toString() : "", compared));
                isFirst = false;
                missed += compared.hasAim() && !compared.isWithinAim() ? 1 : 0;
            }
        }
        int repeat = validation.cases().stream()
                .mapToInt(one -> one.runs().size())
                .max()
                .orElse(0);
        return "Model against real migrations, median of " + repeat + " (min-max)\n\n" + table(rows) + "\n\n"
                + machines(validation) + "\n"
                + (missed == 0 ? "Every figure is within its aim." : missed + " figures miss their aim.");
    }

    private static Row row(String name, String mode, Validation.Compared compared) {
        ValidatedFigure figure = compared.figure();
        Spread model = new Spread(compared.model(), compared.model(), compared.model(), 1);
        return new Row(
                name,
                mode,
                figure.label(),
                figure.unit().text(model),
                figure.unit().text(compared.measured()),
                error(compared));
    }

    private static String error(Validation.Compared compared) {
        if (compared.measured().median() == 0) {
            return "-";
        }
        String error = String.format(Locale.ROOT, "%+.1f %%", 100 * compared.error());
        return !compared.hasAim() || compared.isWithinAim()
                ? error
                : error
                        + String.format(
                                Locale.ROOT,
                                ", aim %.0f %%",
                                100 * compared.figure().aim());
    }

    private static String machines(Validation validation) {
        return "These machines, measured without a link: "
                + Quantities.bytes(Math.round(validation.costs().bytesPerSecond())) + "/s, handover "
                + Quantities.micros(validation.costs().handoverNanos() / 1e3) + ", fault "
                + Quantities.micros(validation.costs().faultNanos() / 1e3) + ", page called back "
                + Quantities.micros(validation.costs().discardNanosPerPage() / 1e3) + ".";
    }

    private static String table(List<Row> rows) {
        return AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(
                        rows,
                        List.of(
                                new Column()
                                        .header("case")
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .with(Row::name),
                                new Column()
                                        .header("mode")
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .with(Row::mode),
                                new Column()
                                        .header("figure")
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .with(Row::figure),
                                new Column().header("model").with(Row::model),
                                new Column().header("measured").with(Row::measured),
                                new Column().header("error").with(Row::error)))
                .asString();
    }
}
