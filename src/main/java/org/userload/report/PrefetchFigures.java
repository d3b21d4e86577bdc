package org.userload.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.BitSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.userload.destination.prefetch.PrefetchStatistics;

/**
 * What came before it was touched. A destination cannot see touches of pages that are there; what the program touched here is
 * known from its trace, and null where there is none.
 *
 * @param policy as on the command line
 * @param backgroundStream whether the rest of the memory came meanwhile
 * @param networkFaults pages asked for
 * @param touchedPages distinct pages that the program touched here
 * @param preferred pages that the source was asked to send before others: read-ahead and working set
 * @param came of these, pages that came in the stream
 * @param awaited faults on such pages that were about to come, and did without being asked for
 * @param late such faults on pages that did not come in time, and were asked for
 * @param hits preferred pages that were touched here
 * @param wasted preferred pages that were not
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record PrefetchFigures(
        String policy,
        boolean backgroundStream,
        long networkFaults,
        @JsonInclude @Nullable Long touchedPages,
        long preferred,
        long came,
        long awaited,
        long late,
        @JsonInclude @Nullable Long hits,
        @JsonInclude @Nullable Long wasted) {

    /**
     * @param touched pages that the program touched here; null when that is not known
     * @param wasPreferred whether a page was preferred
     */
    public static PrefetchFigures of(
            String policy,
            boolean backgroundStream,
            PrefetchStatistics statistics,
            @Nullable BitSet touched,
            IntPredicate wasPreferred) {
        Long touchedPages = touched == null ? null : (long) touched.cardinality();
        Long hits =
                touched == null ? null : touched.stream().filter(wasPreferred).count();
        return new PrefetchFigures(
                policy,
                backgroundStream,
                statistics.requested(),
                touchedPages,
                statistics.preferred(),
                statistics.came(),
                statistics.awaited(),
                statistics.late(),
                hits,
                hits == null ? null : Long.valueOf(statistics.preferred() - hits));
    }
}
