package org.userload.report.comparison;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says in one sentence what the figures show. A mode is called best only if all its runs were better than all runs of
 * every other mode; ranges that overlap are no difference. A single run of each has no range, which it says.
 */
final class Finding {
    private Finding() {}

    private record Entry(ComparedMode mode, Spread spread) {
        String named(Figure figure) {
            return mode.label() + " " + figure.unit().median(spread);
        }
    }

    static String of(Comparison comparison) {
        List<ComparedMode> modes = comparison.setup().modes();
        if (comparison.anyMoved().isEmpty()) {
            return "No run has moved the guest and was verified.";
        }
        String failures = failures(comparison);
        if (modes.size() == 1) {
            return sentence(List.of(alone(comparison, modes.get(0)))) + failures;
        }
        List<String> clauses = new ArrayList<>();
        add(clauses, compare(comparison, Figure.DOWNTIME, "stopped the guest for the shortest time", "downtime"));
        add(clauses, compare(comparison, Figure.SLOWDOWN, "slowed the whole run least", "slowdown"));
        add(clauses, compare(comparison, Figure.MIGRATION, "was the first to be done", "migration time"));
        return (comparison.setup().repeat() == 1
                        ? "By one run each, which proves little: " + String.join("; ", clauses) + "."
                        : sentence(clauses))
                + failures;
    }

    private static void add(List<String> clauses, @Nullable String clause) {
        if (clause != null) {
            clauses.add(clause);
        }
    }

    private static String sentence(List<String> clauses) {
        String text = String.join("; ", clauses);
        return text.isEmpty() ? "" : Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".";
    }

    private static String alone(Comparison comparison, ComparedMode mode) {
        List<String> parts = new ArrayList<>();
        Spread downtime = comparison.spread(mode, Figure.DOWNTIME);
        Spread migration = comparison.spread(mode, Figure.MIGRATION);
        Spread slowdown = comparison.spread(mode, Figure.SLOWDOWN);
        if (downtime != null) {
            parts.add("stopped the guest for " + Unit.MICROS.median(downtime));
        }
        if (migration != null) {
            parts.add("was done after " + Unit.MICROS.median(migration));
        }
        if (slowdown != null) {
            parts.add("made the whole run take " + Unit.RATIO.median(slowdown) + " its time");
        }
        return mode.label() + " " + String.join(", ", parts);
    }

    private static @Nullable String compare(Comparison comparison, Figure figure, String best, String name) {
        List<Entry> entries = new ArrayList<>();
        for (ComparedMode mode : comparison.setup().modes()) {
            Spread spread = comparison.spread(mode, figure);
            if (spread != null) {
                entries.add(new Entry(mode, spread));
            }
        }
        if (entries.size() < 2) {
            return null;
        }
        entries.sort(Comparator.comparingDouble(entry -> entry.spread.median()));
        Entry first = entries.get(0);
        List<Entry> level = entries.stream()
                .filter(other -> !first.spread.isBelow(other.spread))
                .toList();
        String rest =
                list(entries.stream().filter(other -> !level.contains(other)).toList(), figure);
        if (level.size() == 1) {
            return first.mode.label() + " " + best + " (" + figure.unit().median(first.spread) + "; " + rest + ")";
        }
        return "no clear difference in " + name + " between " + list(level, figure)
                + (rest.isEmpty() ? "" : ", more for " + rest);
    }

    private static String list(List<Entry> entries, Figure figure) {
        return String.join(
                ", ", entries.stream().map(entry -> entry.named(figure)).toList());
    }

    private static String failures(Comparison comparison) {
        int failed = comparison.failures().size();
        return failed == 0
                ? ""
                : " " + failed + " of " + comparison.runs().size()
                        + " runs failed or were not verified and do not count.";
    }
}
