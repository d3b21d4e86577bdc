package org.userload.migration;

/**
 * The rate at which a migration gets pages across, from what the destination has acknowledged. It is pages that count,
 * not bytes on the wire: when these are compressed, or sent as deltas, the same bytes carry more pages, and what is left
 * to send is known in pages.
 *
 * <p>Short passes say little, since most of their time is the way there and back; so passes are put together until they
 * make up {@value #SAMPLE_MICROS} us, and each such sample counts half against all before. One thread.
 */
public final class Bandwidth {
    private static final long SAMPLE_MICROS = 10_000;

    private double pagesPerMicro;
    private long pages;
    private long micros;

    /**
     * Takes a pass. One without content, of zero pages only, says nothing about the bandwidth.
     *
     * @param tookMicros how long it took until all of it was in place; 0 or more
     */
    public void sample(long pagesInPlace, long tookMicros) {
        if (pagesInPlace == 0) {
            return;
        }
        pages += pagesInPlace;
        micros += tookMicros;
        double rate = (double) pages / Math.max(micros, 1);
        if (pagesPerMicro == 0) {
            pagesPerMicro = rate;
        } else if (micros >= SAMPLE_MICROS) {
            pagesPerMicro = (pagesPerMicro + rate) / 2;
        } else {
            return;
        }
        pages = 0;
        micros = 0;
    }

    /** Pages per second; 0 before the first sample, or when nothing has moved. */
    public double pagesPerSecond() {
        return pagesPerMicro * 1e6;
    }

    /** How long this many pages take, microseconds; {@link Long#MAX_VALUE} when nothing has moved yet. */
    public long microsFor(long pagesToMove) {
        if (pagesToMove == 0) {
            return 0;
        }
        return pagesPerMicro == 0 ? Long.MAX_VALUE : (long) Math.ceil(pagesToMove / pagesPerMicro);
    }
}
