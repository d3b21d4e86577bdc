package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.userload.memory.GuestMemory;
import org.userload.migration.PostCopySource;
import org.userload.source.ServerConfig;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.SeededMemory;
import org.userload.trace.Trace;
import org.userload.trace.Workload;
import org.userload.transport.Endpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The source process of {@code replay}: waits for the destination, runs the guest up to the switch, hands it over, serves
 * its memory, ends.
 *
 * <p>Says {@code READY address} on its output when it can be connected to. Ends with its parent, which holds the other
 * end of its standard input.
 */
@Command(name = "replay-source", hidden = true, description = "The source process of replay.")
final class ReplaySourceCommand implements Callable<Integer> {
    static final String READY = "READY ";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private ReplayOptions replay = new ReplayOptions();

    @Mixin
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private BandwidthOptions bandwidth = new BandwidthOptions();

    @Option(names = "--listen", required = true, converter = EndpointConverter.class)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Endpoint listen;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        endWithParent();
        Trace trace = traceOptions.load();
        try (GuestMemory memory = GuestMemory.present(replay.table(trace));
                Workload guest = new Workload(trace, replay.seed(), new GuestReplayMemory(memory))) {
            SeededMemory.fill(new GuestReplayMemory(memory), replay.seed());
            try (PostCopySource source = PostCopySource.listen(config(), guest, memory)) {
                PrintWriter out = spec.commandLine().getOut();
                out.println(READY + source.endpoint());
                out.flush();
                source.awaitDestination(PATIENCE);
                runTo(guest, replay.position(trace));
                source.migrate(PATIENCE);
                source.completion().get();
            }
        }
        return 0;
    }

    private ServerConfig config() {
        return ServerConfig.at(listen)
                .withLink(linkOptions.link())
                .withMaxBytesPerSecond(bandwidth.maxBytesPerSecond());
    }

    /** Lets the guest run up to a position and on from there, so that it is a running guest that is paused and moved. */
    private static void runTo(Workload guest, long position) {
        guest.runTo(position);
        if (guest.state() == Workload.State.PAUSED) {
            guest.resume();
        }
    }

    private static void endWithParent() {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (System.in.read() >= 0) {
                            // The parent says nothing; the end of the input is its end.
                        }
                    } catch (IOException e) {
                        // As good as its end.
                    }
                    Runtime.getRuntime().halt(1);
                },
                "userload-parent-watch");
        thread.setDaemon(true);
        thread.start();
    }
}
