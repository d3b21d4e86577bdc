package org.userload.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.concurrent.TimeUnit;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.PageCounts;
import org.userload.memory.RegionTable;

/**
 * The result of loading an image: schema {@code userload.load/1}. Fields mean what they mean in {@link
 * MigrationResult}; {@code totalUs} is from the connection to the last page.
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonPropertyOrder({"schema", "interceptor"})
public record LoadResult(
        String interceptor,
        int pageSizeBytes,
        long memoryBytes,
        long totalUs,
        PageCounts pages,
        HugePageFigures hugePages,
        long wireBytes,
        LatencySummary faultLatencyUs,
        long blockedUs,
        PrefetchFigures prefetch) {

    /** The version of this layout. */
    @JsonProperty("schema")
    public String schema() {
        return "userload.load/1";
    }

    /**
     * From the statistics of a completed session.
     *
     * @param hugeBytes memory that is huge pages
     */
    public static LoadResult of(
            DestinationStatistics statistics, RegionTable table, long hugeBytes, PrefetchFigures prefetch) {
        return new LoadResult(
                statistics.interceptor(),
                table.pageSize().bytes(),
                table.totalBytes(),
                TimeUnit.NANOSECONDS.toMicros(statistics.completionNanos()),
                statistics.pages(),
                HugePageFigures.of(statistics.blocks(), hugeBytes),
                statistics.wireBytes(),
                LatencySummary.ofNanos(statistics.faultLatencyNanos()),
                TimeUnit.NANOSECONDS.toMicros(statistics.totalBlockedNanos()),
                prefetch);
    }
}
