package org.userload.report.simulation;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.userload.migration.RoundReport;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.report.Quantities;

/** Simulated migrations of one guest as a table for people: a row for each figure, a column for each mode. */
public final class SimulationTable {
    private static final String NONE = "-";

    /** Rounds whose dirty pages are shown one by one, before the last. */
    private static final int SHOWN_ROUNDS = 3;

    private SimulationTable() {}

    private record Row(String name, List<String> cells) {}

    /** The table, and a line for each mode that did not move the guest, without a line break at the end. */
    public static String of(SimulationResult result) {
        List<SimulatedMigration> modes = result.migrations();
        List<ColumnData<Row>> columns = new ArrayList<>();
        columns.add(new Column().dataAlign(HorizontalAlign.LEFT).with(Row::name));
        for (int i = 0; i < modes.size(); i++) {
            int mode = i;
            columns.add(new Column()
                    .header(modes.get(i).mode().toString())
                    .headerAlign(HorizontalAlign.LEFT)
                    .dataAlign(HorizontalAlign.LEFT)
                    .with(row -> row.cells.get(mode)));
        }
        StringBuilder text = new StringBuilder(heading(result)).append("\n\n");
        text.append(AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(rows(modes, result.memoryBytes()), columns)
                .asString());
        for (SimulatedMigration migration : modes) {
            if (migration.gaveUp() != null) {
                text.append("\n\n")
                        .append(migration.mode())
                        .append(" gave up: ")
                        .append(migration.gaveUp());
            }
        }
        return text.toString();
    }

    private static String heading(SimulationResult result) {
        return Quantities.bytes(result.memoryBytes()) + " of memory, " + idle(result) + "; "
                + Quantities.bytes(result.workingSetBytes()) + " in use at "
                + Quantities.count(Math.round(result.dirtyRate())) + " writes/s; link " + result.link();
    }

    private static String idle(SimulationResult result) {
        String free = Quantities.bytes(result.freeBytes()) + " of it free";
        if (result.freeBytes() > 0) {
            free += result.hints() ? ", which it tells" : ", which it does not tell";
        }
        return free
                + (result.zeroBytes() > 0 ? ", " + Quantities.bytes(result.zeroBytes()) + " zero" : "")
                + (result.balloonedBytes() > 0
                        ? ", " + Quantities.bytes(result.balloonedBytes()) + " with the host"
                        : "");
    }

    private static List<Row> rows(List<SimulatedMigration> modes, long memoryBytes) {
        List<Row> rows = new ArrayList<>();
        rows.add(row("downtime", modes, m -> moved(m, Quantities.micros(m.downtimeMicros()))));
        rows.add(row("migration", modes, m -> Quantities.micros(m.migrationMicros())));
        rows.add(row("sent", modes, m -> Quantities.bytes(m.wireBytes())));
        rows.add(row(
                "sent / memory",
                modes,
                m -> String.format(Locale.ROOT, "%.2f x", (double) m.wireBytes() / memoryBytes)));
        rows.add(row(
                "rounds",
                modes,
                m -> m.rounds().isEmpty() ? NONE : Integer.toString(m.rounds().size())));
        rows.add(row("converged", modes, SimulationTable::converged));
        rows.add(row("dirtied per round", modes, SimulationTable::dirtied));
        rows.add(row("called back", modes, m -> count(m.discardedPages())));
        rows.add(row("faults", modes, m -> moved(m, Quantities.count(m.faults()))));
        rows.add(row("blocked", modes, m -> moved(m, Quantities.micros(m.blockedMicros()))));
        return rows;
    }

    private static Row row(String name, List<SimulatedMigration> modes, Function<SimulatedMigration, String> cell) {
        return new Row(name, modes.stream().map(cell).toList());
    }

    private static String moved(SimulatedMigration migration, String figure) {
        return migration.gaveUp() == null ? figure : NONE;
    }

    private static String count(long pages) {
        return pages == 0 ? NONE : Quantities.count(pages) + " pages";
    }

    private static String converged(SimulatedMigration migration) {
        if (migration.converged() == null) {
            return NONE;
        }
        String throttled =
                migration.throttlePercent() == 0 ? "" : ", guest at " + (100 - migration.throttlePercent()) + " %";
        return (migration.converged() ? "yes" : "no") + throttled;
    }

    /** Pages that each round with a running guest left to be sent again. */
    private static String dirtied(SimulatedMigration migration) {
        if (migration.converged() == null) {
            return NONE;
        }
        List<RoundReport> rounds = migration.rounds();
        boolean lastIsStopped = migration.discardedPages() == 0
                && migration.gaveUp() == null
                && rounds.get(rounds.size() - 1).dirtyPages() == 0;
        List<String> dirty =
                rounds.subList(0, lastIsStopped && rounds.size() > 1 ? rounds.size() - 1 : rounds.size()).stream()
                        .map(round -> Quantities.count(round.dirtyPages()))
                        .toList();
        return dirty.size() <= SHOWN_ROUNDS + 1
                ? String.join(", ", dirty)
                : String.join(", ", dirty.subList(0, SHOWN_ROUNDS)) + " ... " + dirty.get(dirty.size() - 1);
    }
}
