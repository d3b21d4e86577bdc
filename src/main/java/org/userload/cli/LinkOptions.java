package org.userload.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.transport.Link;
import picocli.CommandLine.Option;

/** The link that a command's sockets are made to behave like. */
final class LinkOptions {
    @Option(
            names = "--link",
            paramLabel = "RATE[/RTT]",
            converter = LinkConverter.class,
            description = {
                "Emulate a link: what this side sends takes the time that it would take there, all connections together."
                        + " For example 1gbit, 100mbit/200us, 25gbit/1ms. Give the other side the same.",
                "Default: none, as fast as the sockets are."
            })
    private @Nullable Link link;

    @Nullable
    Link link() {
        return link;
    }

    /** The same for another process. */
    List<String> arguments() {
        return link == null ? List.of() : List.of("--link=" + link);
    }
}
