package org.userload.source;

import java.util.concurrent.atomic.LongAdder;

/** Counts for {@link EncodingStatistics}. Any thread. */
final class EncodingCounters {
    private final LongAdder pagesPacked = new LongAdder();
    private final LongAdder pagesRaw = new LongAdder();
    private final LongAdder bytesIn = new LongAdder();
    private final LongAdder bytesOut = new LongAdder();
    private final LongAdder deltaHits = new LongAdder();
    private final LongAdder deltaMisses = new LongAdder();
    private final LongAdder deltaBytesSaved = new LongAdder();

    void packed(int pages, int bytes, int sent) {
        pagesPacked.add(pages);
        bytesIn.add(bytes);
        bytesOut.add(sent);
    }

    void raw(int pages, int bytes) {
        pagesRaw.add(pages);
        bytesIn.add(bytes);
        bytesOut.add(bytes);
    }

    void delta(int pages, int saved) {
        deltaHits.add(pages);
        deltaBytesSaved.add(saved);
    }

    void deltaMiss() {
        deltaMisses.increment();
    }

    EncodingStatistics snapshot(PageEncoding encoding) {
        return new EncodingStatistics(
                encoding.compression(),
                pagesPacked.sum(),
                pagesRaw.sum(),
                bytesIn.sum(),
                bytesOut.sum(),
                encoding.deltaCacheBytes(),
                deltaHits.sum(),
                deltaMisses.sum(),
                deltaBytesSaved.sum());
    }
}
