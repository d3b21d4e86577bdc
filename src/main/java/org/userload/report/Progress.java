package org.userload.report;

import java.util.function.Supplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.userload.destination.DestinationStatistics;
import org.userload.linux.Terminal;

/**
 * Shows how paging-in goes: a bar on a terminal, a line a second elsewhere. Reads a snapshot a few times a second from a
 * thread of its own, so it costs the session nothing. {@link #close} shows the last state.
 */
public final class Progress implements AutoCloseable {
    private static final int BAR_MILLIS = 100;
    private static final int LINE_MILLIS = 1_000;

    private final Supplier<DestinationStatistics> statistics;
    private final @Nullable ProgressBar bar;
    private final Thread thread;
    private final long startNanos = System.nanoTime();
    private volatile boolean stopped;

    private Progress(Supplier<DestinationStatistics> statistics) {
        this.statistics = statistics;
        this.bar = Terminal.isStandardError() ? bar(statistics.get().pages().total()) : null;
        this.thread = new Thread(this::run, "userload-progress");
        thread.setDaemon(true);
        thread.start();
    }

    /** Begins to show progress on standard error. */
    public static Progress start(Supplier<DestinationStatistics> statistics) {
        return new Progress(statistics);
    }

    private static ProgressBar bar(long pages) {
        return new ProgressBarBuilder()
                .setTaskName("paging in")
                .setInitialMax(pages)
                .setUnit(" pages", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(BAR_MILLIS)
                .build();
    }

    private void run() {
        try {
            while (!stopped) {
                Thread.sleep(bar == null ? LINE_MILLIS : BAR_MILLIS);
                if (!stopped) {
                    show();
                }
            }
        } catch (InterruptedException e) {
            // close() ends the waiting.
        }
    }

    private void show() {
        ProgressLine line = new ProgressLine(statistics.get(), (System.nanoTime() - startNanos) / 1_000_000);
        if (bar != null) {
            bar.stepTo(line.pagesInPlace());
            bar.setExtraMessage(" " + line.rates());
        } else {
            System.err.println(line.text());
        }
    }

    @Override
    public void close() {
        stopped = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (bar != null) {
            show();
            bar.close();
        }
    }
}
