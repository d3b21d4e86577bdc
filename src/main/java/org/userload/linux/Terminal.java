package org.userload.linux;

/** Whether a standard stream is a terminal. {@code System.console()} no longer tells since Java 22. */
public final class Terminal {
    private static final int STDERR = 2;

    private Terminal() {}

    /** Whether standard error is a terminal that can move its cursor. */
    public static boolean isStandardError() {
        return System.getenv("TERM") != null && LibC.C.isatty(STDERR) == 1;
    }
}
