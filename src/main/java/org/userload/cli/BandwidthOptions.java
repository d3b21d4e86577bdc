package org.userload.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A limit to what a source sends. */
final class BandwidthOptions {
    @Option(
            names = "--max-bandwidth",
            paramLabel = "RATE",
            converter = RateConverter.class,
            description = {
                "Most bytes that the source sends in a second, for example 100M or 800mbit. Pages that are asked for do"
                        + " not wait for it; the stream waits for them. Default: no limit."
            })
    private @Nullable Long maxBytesPerSecond;

    /** 0 for no limit. */
    long maxBytesPerSecond() {
        return maxBytesPerSecond == null ? 0 : maxBytesPerSecond;
    }

    /** The same for another process. */
    List<String> arguments() {
        return maxBytesPerSecond == null ? List.of() : List.of("--max-bandwidth=" + maxBytesPerSecond);
    }
}
