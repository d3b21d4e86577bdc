package org.userload.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.destination.PageCounts;
import org.userload.migration.RoundReport;
import org.userload.source.EncodingStatistics;

/**
 * The result of one migration, as it goes into the JSON file: one object, schema {@code userload.result/1}. Times are
 * microseconds, sizes bytes; names carry the unit. {@code docs/comparing.md} says what each figure means.
 *
 * @param verified whether memory and checksum equal those of a run that never moved
 * @param checksum of the guest at its end, hexadecimal
 * @param guest what moved
 * @param times how long what took
 * @param pages pages by way of arrival
 * @param hugePages memory that came as huge pages or became such
 * @param hints what asking the guest for its free pages took
 * @param wireBytes bytes of frames on all connections, both ways
 * @param faultLatencyUs as the touching thread saw it
 * @param faultLatencyCdf the same as a curve
 * @param course what the source did before the handover
 * @param link the emulated link; null without one
 * @param compression of page content on the wire
 * @param delta pages sent again as what had changed; null when that was off
 * @param prefetch what came before it was touched
 * @param throughput what the guest did every 10 ms, wherever it was, from the start of the migration on
 * @param pageMap when and how pages arrived, for a sample of them
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonPropertyOrder({"schema", "mode", "interceptor", "verified", "checksum"})
public record MigrationResult(
        String mode,
        String interceptor,
        boolean verified,
        String checksum,
        @JsonUnwrapped GuestFigures guest,
        @JsonUnwrapped Times times,
        PageFigures pages,
        HugePageFigures hugePages,
        @JsonUnwrapped HintFigures hints,
        long wireBytes,
        LatencySummary faultLatencyUs,
        List<LatencySummary.Point> faultLatencyCdf,
        @JsonUnwrapped Course course,
        @JsonInclude @Nullable LinkFigures link,
        CompressionFigures compression,
        @JsonInclude @Nullable DeltaFigures delta,
        PrefetchFigures prefetch,
        List<ThroughputBucket> throughput,
        PageMap pageMap) {

    /** The version of this layout. */
    @JsonProperty("schema")
    public String schema() {
        return "userload.result/1";
    }

    /**
     * What moved.
     *
     * @param memoryBytes guest memory
     * @param traceAccesses accesses that the guest made: those of the trace, times the loops
     * @param tracePages pages that the trace touches
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record GuestFigures(int pageSizeBytes, long memoryBytes, long traceAccesses, long tracePages) {}

    /**
     * Pages by way of arrival; {@code ballooned} ones are counted as what they arrived as, too.
     *
     * @param total pages of the memory
     * @param demand came with content after they had been touched
     * @param stream came with content in the stream
     * @param precopy were in place before the guest was
     * @param zero came as a mark that they are zero
     * @param free were not sent, because the guest did not need what they held
     * @param ballooned the guest had given to its host before it moved
     * @param duplicate arrived, but were already in place
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record PageFigures(
            long total, long demand, long stream, long precopy, long zero, long free, long ballooned, long duplicate) {
        public static PageFigures of(PageCounts pages, long ballooned) {
            return new PageFigures(
                    pages.total(),
                    pages.demand(),
                    pages.stream(),
                    pages.precopy(),
                    pages.zero(),
                    pages.free(),
                    ballooned,
                    pages.duplicate());
        }
    }

    /**
     * What asking the guest for its free pages took.
     *
     * @param hintBytes the guest's messages that counted
     * @param hintUs how long the migration waited for them
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record HintFigures(long hintBytes, long hintUs) {}

    /**
     * How long what took.
     *
     * @param downtimeUs from the pause at the source until the guest ran at the destination
     * @param totalUs from the pause until every page was in place
     * @param migrationUs from the start of the migration until every page was in place
     * @param blockedUs how long threads waited for pages, all together
     * @param workloadUs from the guest's first access at the destination to its last
     * @param guestUs from the guest's first access at the source to its last, wherever that was
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Times(
            long downtimeUs,
            long totalUs,
            long migrationUs,
            long blockedUs,
            long workloadUs,
            long guestUs,
            Timeline timeline) {}

    /** When what happened, relative to the start of the migration. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Timeline(long pausedUs, long resumedUs, long pagesInUs, long finishedUs) {}

    /**
     * What the source did before the handover.
     *
     * @param rounds every pass over the memory, the last one of pre-copy and stop-and-copy with the guest stopped
     * @param converged whether the rest fitted the downtime limit; null where that is not the question
     * @param throttlePercent the most that the guest was throttled
     * @param discardedPages pages that were called back for post-copy
     * @param releasedPages pages that the source gave up while the guest ran at the destination, because they were in place there
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Course(
            List<RoundFigures> rounds,
            @JsonInclude @Nullable Boolean converged,
            int throttlePercent,
            long discardedPages,
            long releasedPages) {}

    /** A pass; see {@link RoundReport}. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record RoundFigures(long pagesSent, long dirtyPages, long us) {
        public static RoundFigures of(RoundReport round) {
            return new RoundFigures(round.pagesSent(), round.dirtyPages(), round.us());
        }
    }

    /**
     * Compression of page content; pages sent as zero or as a delta are not in it.
     *
     * @param algorithm what the sides agreed on: none, zstd or lz4
     * @param bytesIn of the pages, packed and raw
     * @param bytesOut what went over the wire for them, without headers
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record CompressionFigures(String algorithm, long pagesPacked, long pagesRaw, long bytesIn, long bytesOut) {
        public static CompressionFigures of(EncodingStatistics encoding) {
            return new CompressionFigures(
                    encoding.compression().toString(),
                    encoding.pagesPacked(),
                    encoding.pagesRaw(),
                    encoding.bytesIn(),
                    encoding.bytesOut());
        }
    }

    /**
     * Pages that were sent again.
     *
     * @param cacheBytes most memory for pages that had been sent
     * @param hits sent as what had changed
     * @param misses sent otherwise
     * @param bytesSaved bytes of the pages that hit, less those sent for them
     * @param hitRate hits of all, 0 to 1; 0 when there was none
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record DeltaFigures(long cacheBytes, long hits, long misses, long bytesSaved, double hitRate) {
        /** Null when no deltas were sent by agreement. */
        public static @Nullable DeltaFigures of(EncodingStatistics encoding) {
            if (encoding.deltaCacheBytes() == 0) {
                return null;
            }
            long all = encoding.deltaHits() + encoding.deltaMisses();
            return new DeltaFigures(
                    encoding.deltaCacheBytes(),
                    encoding.deltaHits(),
                    encoding.deltaMisses(),
                    encoding.deltaBytesSaved(),
                    all == 0 ? 0 : (double) encoding.deltaHits() / all);
        }
    }

    /** An emulated link. */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record LinkFigures(long bytesPerS, long rttUs) {}
}
