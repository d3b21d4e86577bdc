package org.userload.report.comparison;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.report.LatencySummary;

/**
 * What a comparison reads of one {@code userload.result/1}; there are more fields. What a mode does not have is null: an
 * unmoved guest has no downtime.
 *
 * <p>Times are microseconds; those named {@code t} or in {@link Timeline} are relative to the start of the migration,
 * negative before it. For an unmoved guest that is when it would have started.
 *
 * @param throughput accesses in buckets of 10 ms; a bucket without accesses may be missing
 * @param migrationUs from the start of the migration until every page is in place
 * @param guestUs the guest's whole run time, at the source and at the destination, pause included
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record RunResult(
        String schema,
        String mode,
        @Nullable Boolean verified,
        long memoryBytes,
        long traceAccesses,
        long tracePages,
        @Nullable Long downtimeUs,
        @Nullable Long totalUs,
        @Nullable Long migrationUs,
        @Nullable Long guestUs,
        @Nullable Long wireBytes,
        @Nullable Pages pages,
        @Nullable Long hintBytes,
        @Nullable Long hintUs,
        @Nullable LatencySummary faultLatencyUs,
        @Nullable Long blockedUs,
        @Nullable Link link,
        @Nullable Timeline timeline,
        @Nullable List<Bucket> throughput,
        @Nullable List<Round> rounds,
        @Nullable Boolean converged,
        @Nullable Integer throttlePercent,
        @Nullable Long discardedPages,
        @Nullable List<CdfPoint> faultLatencyCdf,
        @Nullable PageMap pageMap) {

    /** The layout that is understood. */
    public static final String SCHEMA = "userload.result/1";

    /** The emulated link. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Link(long bytesPerS, long rttUs) {}

    /** Pages that had no content to send: zero, free, and given to the host before. */
    public record Pages(
            @Nullable Long zero,
            @Nullable Long free,
            @Nullable Long ballooned) {}

    /** When the guest was paused, ran again, had all pages, and had finished. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Timeline(
            @Nullable Long pausedUs,
            @Nullable Long resumedUs,
            @Nullable Long pagesInUs,
            @Nullable Long finishedUs) {}

    /** Accesses within 10 ms from {@code tUs} on. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Bucket(long tUs, long accesses) {}

    /** One round of pre-copy: what it sent, and what was dirty at its end. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Round(long pagesSent, long dirtyPages, long us) {}

    /** The part of all faults that took at most {@code us}. */
    public record CdfPoint(double us, double fraction) {}

    /** When and how memory arrived, by cells of {@code pagesPerCell} pages in address order. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record PageMap(long pagesPerCell, List<Cell> cells) {}

    /** The first arrival of the final version of a cell; {@code way} is demand, stream, zero, free or precopy. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Cell(@Nullable Long tUs, @Nullable String way) {}

    /**
     * Time of the whole migration. A mode that does nothing before the pause starts with it, so that its total time is
     * the same.
     */
    @Nullable
    Long wholeMigrationUs() {
        return migrationUs != null ? migrationUs : totalUs;
    }
}
