package org.userload.report.comparison;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Terminal;

/** Shows which run of how many is under way: a bar on a terminal, a line for each run elsewhere. One thread uses it. */
public final class RunProgress implements AutoCloseable {
    private final int total;
    private final boolean shown;
    private final @Nullable ProgressBar bar;
    private int begun;

    private RunProgress(int total, boolean shown) {
        this.total = total;
        this.shown = shown;
        this.bar = shown && Terminal.isStandardError() ? bar(total) : null;
    }

    /**
     * Begins to show progress on standard error.
     *
     * @param total runs to come
     * @param shown whether to show anything
     */
    public static RunProgress start(int total, boolean shown) {
        return new RunProgress(total, shown);
    }

    private static ProgressBar bar(int total) {
        return new ProgressBarBuilder()
                .setTaskName("comparing")
                .setInitialMax(total)
                .setUnit(" runs", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(100)
                .build();
    }

    /** The run before is done, this one begins. */
    public void next(ComparedMode mode, int turn) {
        if (bar != null) {
            bar.stepTo(begun);
            bar.setExtraMessage(" " + mode.label() + ", turn " + turn);
        } else if (shown) {
            System.err.printf("run %d of %d: %s, turn %d%n", begun + 1, total, mode.label(), turn);
        }
        begun++;
    }

    @Override
    public void close() {
        if (bar != null) {
            if (begun == total) {
                bar.stepTo(total);
            }
            bar.close();
        }
    }
}
