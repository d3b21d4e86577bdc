package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.migration.HandoverException;
import org.userload.migration.MigrationSource;
import org.userload.migration.Rehearsal;
import org.userload.report.JsonLine;
import org.userload.source.ServerConfig;
import org.userload.trace.ReplayedChannel;
import org.userload.trace.ThroughputSampler;
import org.userload.trace.Workload;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * The source process of {@code replay}: waits for the destination, runs the guest, moves it when it gets to the switch,
 * serves its memory, ends. If the guest does not move it runs here to its end, and is checked here.
 *
 * <p>Says {@code READY address} on its output when it can be connected to, and how it went at the end: {@code MOVED} or
 * {@code STAYED} and JSON. Ends with its parent, which holds the other end of its standard input.
 */
@Command(name = "replay-source", hidden = true, description = "The source process of replay.")
final class ReplaySourceCommand implements Callable<Integer> {
    static final String READY = "READY ";
    static final String MOVED = "MOVED ";
    static final String STAYED = "STAYED ";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private ReplayOptions replay = new ReplayOptions();

    @Mixin
    private ColdMemoryOptions coldMemory = new ColdMemoryOptions();

    @Mixin
    private HintOptions hints = new HintOptions();

    @Mixin
    private SwitchOption switchOption = new SwitchOption();

    @Mixin
    private MigrationOptions migration = new MigrationOptions();

    @Mixin
    private BandwidthOptions bandwidth = new BandwidthOptions();

    @Mixin
    private ListenOption listen = new ListenOption();

    @Mixin
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private PlacementOptions placement = new PlacementOptions();

    @Mixin
    private CompressOption compress = new CompressOption();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        endWithParent();
        ReplayedGuest replayed = replay.guest(traceOptions.load(), coldMemory);
        try (GuestMemory memory = replayed.filledMemory();
                ReplayedChannel channel = replayed.channel(memory);
                Workload guest = replayed.on(memory, channel)) {
            channel.inflateBalloon();
            Rehearsal.run(migration.mode(), InterceptorChoice.SOFTWARE, new RehearsedGuest());
            ServerConfig config = ServerConfig.at(listen.endpoint())
                    .withLink(linkOptions.link())
                    .withMaxBytesPerSecond(bandwidth.maxBytesPerSecond())
                    .withReleaseSource(migration.releaseSource())
                    .withEncoding(migration.encoding(compress.compression()))
                    .withPlacement(placement.placement());
            try (MigrationSource source = MigrationSource.listen(config, guest, memory, hints.into(migration.plan()))) {
                say(READY + source.endpoint());
                source.awaitDestination(PATIENCE);
                return move(replayed, guest, channel, memory, source);
            }
        }
    }

    private int move(
            ReplayedGuest replayed, Workload guest, ReplayedChannel channel, GuestMemory memory, MigrationSource source)
            throws Exception {
        long startNanos = System.nanoTime();
        try (ThroughputSampler sampler = ThroughputSampler.start(guest)) {
            runTo(guest, switchOption.position(replayed.program()));
            source.migrate(PATIENCE);
            sampler.sample();
            awaitMemoryMoved(source);
            SourceStory story = new SourceStory(
                    Objects.requireNonNull(source.report()),
                    sampler.samples(),
                    startNanos,
                    Objects.requireNonNull(source.encodingStatistics()),
                    channel.hintBytes(),
                    source.givenUpPages());
            say(MOVED + JsonLine.of(story));
            return 0;
        } catch (HandoverException e) {
            if (!e.guestIsHere()) {
                throw e;
            }
            say(STAYED
                    + JsonLine.of(
                            new SourceStory.Stayed(String.valueOf(e.getMessage()), runOn(replayed, guest, memory))));
            return 1;
        }
    }

    private static void awaitMemoryMoved(MigrationSource source) throws IOException, InterruptedException {
        try {
            source.completion().get();
        } catch (ExecutionException e) {
            Throwable cause = Problems.root(e);
            throw new IOException(
                    "the guest has moved, but the destination did not get all of its memory: " + cause.getMessage()
                            + "; unless the destination runs on, the guest is lost",
                    cause);
        }
    }

    /** Lets the guest run up to a position and on from there, so that it is a running guest that is moved. */
    private static void runTo(Workload guest, long position) {
        guest.runTo(position);
        if (guest.state() == Workload.State.PAUSED) {
            guest.resume();
        }
    }

    /** Whether the guest that has not moved comes to the right end here. */
    private static boolean runOn(ReplayedGuest replayed, Workload guest, GuestMemory memory)
            throws ExecutionException, InterruptedException {
        return new NeverMoved(replayed.program(), replayed.cold(), new NeverMoved.FreeContent.Sent())
                .isEqualTo(guest.completion().get(), memory);
    }

    private void say(String line) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line);
        out.flush();
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
