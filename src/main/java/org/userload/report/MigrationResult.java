package org.userload.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.userload.destination.PageCounts;

/**
 * The result of one migration, as it goes into the JSON file: schema {@code userload.result/1}. Times are microseconds,
 * sizes bytes; names carry the unit.
 *
 * @param verified whether memory and checksum equal those of a run that never moved
 * @param checksum of the guest at its end, hexadecimal
 * @param memoryBytes guest memory
 * @param traceAccesses accesses that the guest made: those of the trace, times the loops
 * @param tracePages pages that the trace touches
 * @param downtimeUs from the pause at the source until the guest ran at the destination
 * @param totalUs from the pause until every page was in place
 * @param pages pages by way of arrival
 * @param wireBytes bytes of frames on all connections, both ways
 * @param faultLatencyUs as the touching thread saw it
 * @param blockedUs how long threads waited for pages, all together
 * @param workloadUs from the guest's first access at the destination to its last
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonPropertyOrder({"schema", "mode", "interceptor", "verified", "checksum", "page_size_bytes"})
public record MigrationResult(
        String mode,
        String interceptor,
        boolean verified,
        String checksum,
        int pageSizeBytes,
        long memoryBytes,
        long traceAccesses,
        long tracePages,
        long downtimeUs,
        long totalUs,
        PageCounts pages,
        long wireBytes,
        LatencySummary faultLatencyUs,
        long blockedUs,
        long workloadUs) {

    /** The version of this layout. */
    @JsonProperty("schema")
    public String schema() {
        return "userload.result/1";
    }
}
