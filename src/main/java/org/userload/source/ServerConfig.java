package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * Where a page server listens and how it sends. Immutable; start from {@link #at} and change what should differ.
 *
 * @param endpoint where to listen
 * @param link a link to emulate, of which this side shapes what it sends, all sessions together; null for none
 * @param encoding how page content is made smaller for destinations that can read it
 */
public record ServerConfig(Endpoint endpoint, @Nullable Link link, PageEncoding encoding) {
    /** Defaults: no emulated link, pages as they are. */
    public static ServerConfig at(Endpoint endpoint) {
        return new ServerConfig(endpoint, null, PageEncoding.PLAIN);
    }

    public ServerConfig withLink(@Nullable Link emulated) {
        return new ServerConfig(endpoint, emulated, encoding);
    }

    public ServerConfig withEncoding(PageEncoding wanted) {
        return new ServerConfig(endpoint, link, wanted);
    }
}
