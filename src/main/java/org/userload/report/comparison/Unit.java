package org.userload.report.comparison;

import java.util.Locale;

/** How a figure is written for people: three digits, with one unit for a median and its range. */
public enum Unit {
    /** Times. */
    MICROS,
    /** Multiples. */
    RATIO,
    /** How often. */
    COUNT;

    private static final String NEVER = "never";

    private record Scale(double by, String name) {}

    /** For example {@code 12.3 ms}. */
    public String median(Spread spread) {
        Scale scale = scale(spread.median());
        String digits = digits(spread.median() / scale.by);
        return scale.name.isEmpty() || NEVER.equals(digits) ? digits : digits + " " + scale.name;
    }

    /** For example {@code 11.0-14.2}, in the unit of the median; empty when it would say no more. */
    public String range(Spread spread) {
        Scale scale = scale(Double.isInfinite(spread.median()) ? spread.min() : spread.median());
        if (spread.min() == spread.max()) {
            return "";
        }
        String unit = Double.isInfinite(spread.median()) ? " " + scale.name : "";
        String min = digits(spread.min() / scale.by);
        String max = digits(spread.max() / scale.by);
        return min.equals(max) ? "" : min + unit + "-" + max;
    }

    /** For example {@code 12.3 ms (11.0-14.2)}. */
    public String text(Spread spread) {
        String range = range(spread);
        return range.isEmpty() ? median(spread) : median(spread) + " (" + range + ")";
    }

    private Scale scale(double value) {
        return switch (this) {
            case MICROS ->
                value < 999.5 ? new Scale(1, "us") : value < 999_500 ? new Scale(1e3, "ms") : new Scale(1e6, "s");
            case RATIO -> new Scale(1, "x");
            case COUNT ->
                value < 100_000 ? new Scale(1, "") : value < 99_950_000 ? new Scale(1e3, "k") : new Scale(1e6, "M");
        };
    }

    private String digits(double value) {
        if (Double.isInfinite(value)) {
            return NEVER;
        }
        boolean whole = value >= 99.95 || value == 0 || (this == COUNT && value == Math.rint(value));
        return String.format(Locale.ROOT, whole ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value);
    }
}
