package org.userload.cli;

import java.util.List;
import org.userload.pack.Compression;
import picocli.CommandLine.Option;

/** Whether the source compresses pages. */
final class CompressOption {
    @Option(
            names = "--compress",
            paramLabel = "HOW",
            defaultValue = "none",
            description = {
                "Compress pages on the wire: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.",
                "It pays on links of up to about 1 Gbit/s, for memory that shrinks; on faster ones it takes longer than it saves."
            })
    private Compression compression = Compression.NONE;

    Compression compression() {
        return compression;
    }

    /** The same for another process. */
    List<String> arguments() {
        return List.of("--compress=" + compression);
    }
}
