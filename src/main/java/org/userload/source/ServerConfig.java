package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;
import org.userload.transport.Placement;

/**
 * Where a page server listens and how it sends. Immutable; start from {@link #at} and change what should differ.
 *
 * @param endpoint where to listen
 * @param link a link to emulate, of which this side shapes what it sends, all sessions together; null for none
 * @param maxBytesPerSecond most bytes of pages sent in a second, all sessions together; 0 for no limit. Pages that are
 *     asked for do not wait for it; the stream waits for them
 * @param encoding how page content is made smaller for destinations that can read it
 * @param placement where the loops run, and how the one waits that answers requests; the stream's is the second
 * @param releaseSource whether the pages of a guest are given up here once they are in place at the destination
 */
public record ServerConfig(
        Endpoint endpoint,
        @Nullable Link link,
        long maxBytesPerSecond,
        PageEncoding encoding,
        Placement placement,
        boolean releaseSource) {
    public ServerConfig {
        if (maxBytesPerSecond < 0) {
            throw new IllegalArgumentException("the limit is at least 1 byte per second, not " + maxBytesPerSecond);
        }
    }

    /** Defaults: no emulated link, no limit, pages as they are, and they are kept. */
    public static ServerConfig at(Endpoint endpoint) {
        return new ServerConfig(endpoint, null, 0, PageEncoding.PLAIN, Placement.ANY, false);
    }

    public ServerConfig withLink(@Nullable Link emulated) {
        return new ServerConfig(endpoint, emulated, maxBytesPerSecond, encoding, placement, releaseSource);
    }

    public ServerConfig withMaxBytesPerSecond(long limit) {
        return new ServerConfig(endpoint, link, limit, encoding, placement, releaseSource);
    }

    public ServerConfig withEncoding(PageEncoding wanted) {
        return new ServerConfig(endpoint, link, maxBytesPerSecond, wanted, placement, releaseSource);
    }

    public ServerConfig withPlacement(Placement wanted) {
        return new ServerConfig(endpoint, link, maxBytesPerSecond, encoding, wanted, releaseSource);
    }

    public ServerConfig withReleaseSource(boolean giveUp) {
        return new ServerConfig(endpoint, link, maxBytesPerSecond, encoding, placement, giveUp);
    }
}
