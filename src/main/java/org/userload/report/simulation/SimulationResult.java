package org.userload.report.simulation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.report.MigrationResult;
import org.userload.transport.Link;

/**
 * Simulated migrations of one guest over one link.
 *
 * @param hints whether the guest was asked for its free pages
 * @param migrations one for each mode
 */
public record SimulationResult(
        SimulatedGuest guest, boolean hints, Link link, MachineCosts costs, List<SimulatedMigration> migrations) {
    private static final long PAGE_BYTES = 4096;

    public SimulationResult {
        migrations = List.copyOf(migrations);
    }

    long memoryBytes() {
        return guest.pages() * PAGE_BYTES;
    }

    long zeroBytes() {
        return guest.idle().zeroPages() * PAGE_BYTES;
    }

    long freeBytes() {
        return guest.idle().freePages() * PAGE_BYTES;
    }

    long balloonedBytes() {
        return guest.idle().balloonedPages() * PAGE_BYTES;
    }

    long workingSetBytes() {
        return guest.workingSetPages() * PAGE_BYTES;
    }

    double dirtyRate() {
        return guest.writesPerSecond();
    }

    /** As it goes into the JSON file: schema {@code userload.simulation/1}. */
    public Json json() {
        return new Json(
                memoryBytes(),
                zeroBytes(),
                freeBytes(),
                balloonedBytes(),
                hints,
                workingSetBytes(),
                dirtyRate(),
                guest.touchesPerSecond(),
                new MigrationResult.LinkFigures(
                        link.bytesPerSecond(),
                        TimeUnit.NANOSECONDS.toMicros(link.roundTrip().toNanos())),
                Costs.of(costs),
                migrations.stream().map(m -> Mode.of(m, memoryBytes())).toList());
    }

    /** The whole file. Times are microseconds unless the name says otherwise, sizes bytes, rates per second. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonPropertyOrder("schema")
    public record Json(
            long memoryBytes,
            long zeroBytes,
            long freeBytes,
            long balloonedBytes,
            boolean hints,
            long workingSetBytes,
            double dirtyRate,
            double touchRate,
            MigrationResult.LinkFigures link,
            Costs costs,
            List<Mode> modes) {
        /** The version of this layout. */
        @JsonProperty("schema")
        public String schema() {
            return "userload.simulation/1";
        }
    }

    /** What the machines add; see {@link MachineCosts}. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Costs(double bytesPerS, double handoverNs, double faultNs) {
        static Costs of(MachineCosts costs) {
            return new Costs(costs.bytesPerSecond(), costs.handoverNanos(), costs.faultNanos());
        }
    }

    /** A mode; see {@link SimulatedMigration}. The names are those of {@code userload.result/1} where it has them. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Mode(
            String mode,
            @JsonInclude @Nullable String gaveUp,
            long downtimeUs,
            long totalUs,
            long migrationUs,
            long wireBytes,
            double sentRatio,
            List<MigrationResult.RoundFigures> rounds,
            @JsonInclude @Nullable Boolean converged,
            int throttlePercent,
            long discardedPages,
            long faults,
            long duplicatePages,
            long blockedUs) {
        static Mode of(SimulatedMigration migration, long memoryBytes) {
            return new Mode(
                    migration.mode().toString(),
                    migration.gaveUp(),
                    migration.downtimeMicros(),
                    migration.totalMicros(),
                    migration.migrationMicros(),
                    migration.wireBytes(),
                    (double) migration.wireBytes() / memoryBytes,
                    migration.rounds().stream()
                            .map(MigrationResult.RoundFigures::of)
                            .toList(),
                    migration.converged(),
                    migration.throttlePercent(),
                    migration.discardedPages(),
                    migration.faults(),
                    migration.duplicatePages(),
                    migration.blockedMicros());
        }
    }
}
