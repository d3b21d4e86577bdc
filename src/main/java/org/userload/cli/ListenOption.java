package org.userload.cli;

import org.userload.transport.Endpoint;
import picocli.CommandLine.Option;

/** Where a source waits for destinations. */
final class ListenOption {
    @Option(
            names = "--listen",
            required = true,
            paramLabel = "ADDR",
            converter = EndpointConverter.class,
            description = "Where: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 is any free port.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Endpoint listen;

    Endpoint endpoint() {
        return listen;
    }
}
