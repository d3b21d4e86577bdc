package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * Where a page server listens and how it sends. Immutable; start from {@link #at} and change what should differ.
 *
 * @param endpoint where to listen
 * @param link a link to emulate, of which this side shapes what it sends, all sessions together; null for none
 */
public record ServerConfig(Endpoint endpoint, @Nullable Link link) {
    /** Defaults: no emulated link. */
    public static ServerConfig at(Endpoint endpoint) {
        return new ServerConfig(endpoint, null);
    }

    public ServerConfig withLink(@Nullable Link emulated) {
        return new ServerConfig(endpoint, emulated);
    }
}
