package org.userload.report;

import java.util.Locale;

/** Numbers with units, for people. */
public final class Quantities {
    private static final String[] BYTE_UNITS = {"bytes", "KiB", "MiB", "GiB", "TiB"};

    private Quantities() {}

    /** For example {@code 4.0 KiB}. */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.1f %s", value, BYTE_UNITS[unit]);
    }

    /** For example {@code 850 us}, {@code 12.3 ms}, {@code 4.56 s}. */
    public static String micros(double micros) {
        if (micros < 1_000) {
            return String.format(
                    Locale.ROOT, micros < 100 && micros != Math.rint(micros) ? "%.1f us" : "%.0f us", micros);
        }
        return micros < 1_000_000
                ? String.format(Locale.ROOT, "%.1f ms", micros / 1_000)
                : String.format(Locale.ROOT, "%.2f s", micros / 1_000_000);
    }

    /** As {@link #micros(double)}. */
    public static String micros(long micros) {
        return micros((double) micros);
    }

    /** With thousands apart, for example {@code 1,234,567}. */
    public static String count(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }
}
