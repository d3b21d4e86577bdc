package org.userload.report;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.userload.destination.ArrivalMap;

/**
 * When and how pages arrived, for every n-th page of the memory.
 *
 * @param pagesPerCell how far the sampled pages are apart
 * @param cells one for each, in order of address
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record PageMap(long pagesPerCell, List<Cell> cells) {
    /**
     * A page.
     *
     * @param tUs when its last content arrived, relative to a given moment
     * @param way demand, stream, zero or precopy
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Cell(long tUs, String way) {}

    /** @param originNanos the moment that times are relative to, by {@link System#nanoTime()} */
    public static PageMap of(ArrivalMap map, long originNanos) {
        List<Cell> cells = map.arrivals().stream()
                .map(arrival -> new Cell(
                        TimeUnit.NANOSECONDS.toMicros(arrival.nanos() - originNanos),
                        arrival.way().name().toLowerCase(Locale.ROOT)))
                .toList();
        return new PageMap(map.pagesPerCell(), cells);
    }
}
