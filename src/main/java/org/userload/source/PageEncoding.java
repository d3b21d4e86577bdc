package org.userload.source;

import org.userload.pack.Compression;
import org.userload.protocol.Feature;

/**
 * How a source makes page content smaller, if the destination can read it. Immutable.
 *
 * @param compression of runs of pages
 * @param deltaCacheBytes memory for the last content sent of pages that the guest writes to again and again, so that only
 *     what has changed is sent; for each session in rounds; 0 for none
 */
public record PageEncoding(Compression compression, long deltaCacheBytes) {
    /** Pages as they are. */
    public static final PageEncoding PLAIN = new PageEncoding(Compression.NONE, 0);

    public PageEncoding {
        if (deltaCacheBytes < 0) {
            throw new IllegalArgumentException("the delta cache has 0 or more bytes, not " + deltaCacheBytes);
        }
    }

    /** What is left of it with a destination that offers these features. */
    PageEncoding with(long offered, boolean rounds) {
        boolean readsCompression =
                compression != Compression.NONE && Feature.of(compression).in(offered);
        boolean readsDeltas = rounds && Feature.DELTA.in(offered);
        return new PageEncoding(readsCompression ? compression : Compression.NONE, readsDeltas ? deltaCacheBytes : 0);
    }

    /** The features that it uses. */
    long features() {
        return (compression == Compression.NONE ? 0 : Feature.bits(Feature.of(compression)))
                | (deltaCacheBytes == 0 ? 0 : Feature.bits(Feature.DELTA));
    }
}
