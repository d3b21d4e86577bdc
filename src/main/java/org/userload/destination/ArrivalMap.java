package org.userload.destination;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.userload.memory.GuestMemory;

/**
 * When and how pages came, for a sample of them: every n-th page of the memory, at most {@value #MAX_CELLS}.
 *
 * <p><b>Threads.</b> Any; a page that comes again replaces what was noted before. Costs a division for each install and
 * 8 bytes for each sampled page.
 */
public final class ArrivalMap {
    /** Most pages sampled: enough for a picture. */
    public static final int MAX_CELLS = 4096;

    private static final VarHandle CELLS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int WAY_BITS = 3;

    private final long startNanos = System.nanoTime();
    private final long[] firstPageOfRegion;
    private final long pagesPerCell;

    /** Nanoseconds since the start, and the way; 0 for a page that is missing. */
    private final long[] cells;

    /** How a page came. */
    public enum Way {
        DEMAND(1),
        STREAM(2),
        ZERO(3),
        PRECOPY(4),
        FREE(5);

        private final int code;

        Way(int code) {
            this.code = code;
        }

        private static Way ofCode(long code) {
            for (Way way : values()) {
                if (way.code == code) {
                    return way;
                }
            }
            throw new IllegalArgumentException("no way " + code);
        }
    }

    /**
     * A sampled page.
     *
     * @param page its number, counted through all regions
     * @param nanos when, by {@link System#nanoTime()}
     */
    public record Arrival(long page, long nanos, Way way) {}

    ArrivalMap(GuestMemory memory) {
        firstPageOfRegion = new long[memory.regionCount()];
        long pages = 0;
        for (int i = 0; i < firstPageOfRegion.length; i++) {
            firstPageOfRegion[i] = pages;
            pages += memory.region(i).pageCount();
        }
        pagesPerCell = Math.max(1, (pages + MAX_CELLS - 1) / MAX_CELLS);
        cells = new long[(int) ((pages + pagesPerCell - 1) / pagesPerCell)];
    }

    /** How far sampled pages are apart. */
    public long pagesPerCell() {
        return pagesPerCell;
    }

    void arrived(Way way, int region, long firstPage, int count) {
        long first = firstPageOfRegion[region] + firstPage;
        long cell = (first + pagesPerCell - 1) / pagesPerCell;
        long end = first + count;
        if (cell * pagesPerCell >= end) {
            return;
        }
        long value = (System.nanoTime() - startNanos) << WAY_BITS | way.code;
        for (; cell * pagesPerCell < end; cell++) {
            CELLS.setOpaque(cells, (int) cell, value);
        }
    }

    /** What has come so far, by page. */
    public List<Arrival> arrivals() {
        List<Arrival> arrivals = new ArrayList<>();
        for (int i = 0; i < cells.length; i++) {
            long value = (long) CELLS.getOpaque(cells, i);
            if (value != 0) {
                Way way = Way.ofCode(value & (1 << WAY_BITS) - 1);
                arrivals.add(new Arrival(i * pagesPerCell, startNanos + (value >>> WAY_BITS), way));
            }
        }
        return arrivals;
    }
}
