package org.userload.cli;

import java.util.Locale;

/** Whether something is wanted, as it is written on the command line. */
enum OnOff {
    ON,
    OFF;

    boolean isOn() {
        return this == ON;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
