package org.userload.migration.simulation;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.migration.MigrationMode;
import org.userload.migration.RoundReport;

/**
 * How a simulated migration goes. Times are microseconds of the computed clock.
 *
 * @param gaveUp why the guest did not move; null when it did
 * @param converged whether the rest fitted the downtime limit when the guest was stopped; null when that is not the
 *     question
 * @param throttlePercent the most that the guest was throttled
 * @param rounds every pass before the guest ran at the destination, the last one with the guest stopped, in order
 * @param discardedPages pages called back for post-copy
 * @param contentPages pages with content that were sent, each as often as it was sent, but for {@code duplicatePages}
 * @param duplicatePages pages asked for while they were on their way, and sent twice for that
 * @param wireBytes bytes of frames, both ways
 * @param downtimeMicros from the pause until the guest runs at the destination; 0 when it does not
 * @param totalMicros from the pause until every page is in place
 * @param migrationMicros from the start until every page is in place, or until it was given up
 * @param faults touches of missing pages, of one thread
 * @param blockedMicros how long that thread waited for them
 */
public record SimulatedMigration(
        MigrationMode mode,
        @Nullable String gaveUp,
        @Nullable Boolean converged,
        int throttlePercent,
        List<RoundReport> rounds,
        long discardedPages,
        long contentPages,
        long duplicatePages,
        long wireBytes,
        long downtimeMicros,
        long totalMicros,
        long migrationMicros,
        long faults,
        long blockedMicros) {
    public SimulatedMigration {
        rounds = List.copyOf(rounds);
    }
}
