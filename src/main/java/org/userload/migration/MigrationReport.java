package org.userload.migration;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the source of a migration knows about it.
 *
 * @param rounds every pass before the guest ran at the destination, the last one with the guest stopped, in order
 * @param converged whether what was left fitted the downtime limit when the guest was stopped; null when that was not
 *     the question
 * @param throttlePercent the most that the guest was throttled, percent of its time
 * @param discardedPages pages called back from the destination
 * @param hints what hints of free pages did
 * @param startNanos {@link System#nanoTime()} here when the migration began
 * @param pausedNanos the same when the guest was stopped; 0 if it was not
 */
public record MigrationReport(
        List<RoundReport> rounds,
        @Nullable Boolean converged,
        int throttlePercent,
        long discardedPages,
        HintReport hints,
        long startNanos,
        long pausedNanos) {
    public MigrationReport {
        rounds = List.copyOf(rounds);
    }
}
