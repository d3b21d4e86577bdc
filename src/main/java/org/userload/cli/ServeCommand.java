package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.pack.Compression;
import org.userload.report.Quantities;
import org.userload.source.EncodingStatistics;
import org.userload.source.OpenOptions;
import org.userload.source.PageEncoding;
import org.userload.source.PageServer;
import org.userload.source.PageSource;
import org.userload.source.PageSources;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.source.SourceSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a memory image to destinations. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Serves a memory image: destinations page it in with 'userload load', or with the library.",
            "",
            "An image is a raw file of whole 4 KiB pages (holes are zero pages) or a compressed .uli file.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  userload serve --image guest.raw --listen 127.0.0.1:7070",
            "  userload serve --image guest.uli --listen unix:/run/guest.sock --once"
        })
final class ServeCommand implements Callable<Integer> {
    @Option(names = "--image", required = true, paramLabel = "FILE", description = "The image.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path image;

    @Mixin
    private ListenOption listen = new ListenOption();

    @Option(
            names = "--cache",
            paramLabel = "SIZE",
            defaultValue = "64M",
            converter = SizeConverter.class,
            description = "Memory for decompressed blocks of a .uli image. Default: ${DEFAULT-VALUE}.")
    private long cacheBytes;

    @Mixin
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private CompressOption compress = new CompressOption();

    @Mixin
    private BandwidthOptions bandwidth = new BandwidthOptions();

    @Mixin
    private PlacementOptions placement = new PlacementOptions();

    @Option(names = "--once", description = "End after one destination: 0 when it has every page, else 1.")
    private boolean once;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        ServerListener listener = new ServerListener() {
            @Override
            public void attached(SourceSession session) {
                say(out, "session " + session.id() + " begins");
            }

            @Override
            public void ended(SourceSession session, @Nullable Throwable problem) {
                say(out, describe(session, problem));
                failure.compareAndSet(null, problem);
                ended.countDown();
            }
        };
        OpenOptions options =
                new OpenOptions(OpenOptions.DEFAULT.rawPageSize(), cacheBytes, OpenOptions.DEFAULT.extents());
        try (PageSource source = openImage(options);
                PageServer server = PageServer.serve(config(), source, listener)) {
            say(
                    out,
                    "serving " + source.description() + ", "
                            + Quantities.bytes(source.regions().totalBytes()) + ", on " + server.endpoint());
            if (!once) {
                new CountDownLatch(1).await();
            }
            ended.await();
        }
        return failure.get() == null ? 0 : 1;
    }

    private ServerConfig config() {
        return ServerConfig.at(listen.endpoint())
                .withLink(linkOptions.link())
                .withMaxBytesPerSecond(bandwidth.maxBytesPerSecond())
                .withEncoding(new PageEncoding(compress.compression(), 0))
                .withPlacement(placement.placement());
    }

    /** Destinations page in by 4 KiB. */
    private PageSource openImage(OpenOptions options) throws IOException {
        PageSource source = PageSources.open(image, options);
        PageSize pageSize = source.regions().pageSize();
        if (!pageSize.equals(PageSize.DEFAULT)) {
            source.close();
            throw new IOException(source.description() + " has pages of " + pageSize.bytes()
                    + " bytes, but faults are served by " + PageSize.DEFAULT.bytes()
                    + "; write it again with pages of that size");
        }
        return source;
    }

    private static String describe(SourceSession session, @Nullable Throwable problem) {
        return "session " + session.id()
                + (problem == null ? " is complete: " : " has failed: " + Problems.describe(problem) + "; ")
                + Quantities.count(session.demandPages()) + " pages sent on demand, "
                + Quantities.count(session.streamPages()) + " in the stream, "
                + Quantities.count(session.zeroPages()) + " as zero" + describe(session.encodingStatistics());
    }

    private static String describe(EncodingStatistics encoding) {
        return encoding.compression() == Compression.NONE
                ? ""
                : ", " + Quantities.count(encoding.pagesPacked()) + " compressed by " + encoding.compression() + ": "
                        + Quantities.bytes(encoding.bytesIn()) + " of content in "
                        + Quantities.bytes(encoding.bytesOut());
    }

    private static void say(PrintWriter out, String line) {
        out.println(line);
        out.flush();
    }
}
