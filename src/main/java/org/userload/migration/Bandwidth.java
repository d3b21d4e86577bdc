package org.userload.migration;

/**
 * The bandwidth that a migration gets, from what the destination has acknowledged.
 *
 * <p>Short passes say little, since most of their time is the way there and back; so passes are put together until they
 * make up {@value #SAMPLE_MICROS} us, and each such sample counts half against all before. One thread.
 */
public final class Bandwidth {
    private static final long SAMPLE_MICROS = 10_000;

    private double bytesPerMicro;
    private long bytes;
    private long micros;

    /**
     * Takes a pass. One without content, of zero pages only, says nothing about the bandwidth.
     *
     * @param tookMicros how long it took until all of it was in place; 0 or more
     */
    public void sample(long bytesInPlace, long tookMicros) {
        if (bytesInPlace == 0) {
            return;
        }
        bytes += bytesInPlace;
        micros += tookMicros;
        double rate = (double) bytes / Math.max(micros, 1);
        if (bytesPerMicro == 0) {
            bytesPerMicro = rate;
        } else if (micros >= SAMPLE_MICROS) {
            bytesPerMicro = (bytesPerMicro + rate) / 2;
        } else {
            return;
        }
        bytes = 0;
        micros = 0;
    }

    /** Bytes per second; 0 before the first sample, or when nothing has moved. */
    public double bytesPerSecond() {
        return bytesPerMicro * 1e6;
    }

    /** How long this many bytes take, microseconds; {@link Long#MAX_VALUE} when nothing has moved yet. */
    public long microsFor(long bytesToMove) {
        if (bytesToMove == 0) {
            return 0;
        }
        return bytesPerMicro == 0 ? Long.MAX_VALUE : (long) Math.ceil(bytesToMove / bytesPerMicro);
    }
}
