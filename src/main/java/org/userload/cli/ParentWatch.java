package org.userload.cli;

import java.io.IOException;

/**
 * Ends this process with its parent, which holds the other end of its standard input and says nothing: the end of the
 * input is the parent's end, however it came.
 */
final class ParentWatch {
    private ParentWatch() {}

    /** Watches from now on, in {@code userload-parent-watch}, a daemon. Shutdown hooks run. */
    static void start() {
        Thread thread = new Thread(
                () -> {
                    awaitEnd();
                    System.exit(1);
                },
                "userload-parent-watch");
        thread.setDaemon(true);
        thread.start();
    }

    private static void awaitEnd() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is said.
            }
        } catch (IOException e) {
            // As good as its end.
        }
    }
}
