package org.userload.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;

/**
 * The result of a run that did not move, the base line of a comparison: those fields of {@code userload.result/1} that
 * such a run has. They mean what they mean in {@link MigrationResult}.
 *
 * @param guestUs from the guest's first access to its last
 * @param throughput relative to the moment at which the guest would have moved
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonPropertyOrder({"schema", "mode"})
public record UnmovedResult(
        String checksum,
        int pageSizeBytes,
        long memoryBytes,
        long traceAccesses,
        long tracePages,
        long guestUs,
        List<ThroughputBucket> throughput) {

    /** The version of this layout. */
    @JsonProperty("schema")
    public String schema() {
        return "userload.result/1";
    }

    /** Not a way of moving. */
    @JsonProperty("mode")
    public String mode() {
        return "none";
    }
}
