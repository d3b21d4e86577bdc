package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.userload.migration.HandoverException;
import org.userload.migration.MigrationMode;
import org.userload.report.JsonFile;
import org.userload.report.MigrationResult;
import org.userload.report.ResultTable;
import org.userload.trace.Trace;
import org.userload.transport.Endpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Moves a recorded program between two processes and checks it. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Replays a program's memory accesses, moves the running program to another process in the middle, and checks"
                    + " that memory and checksum end as in a run that never moved.",
            "",
            "The source is a second JVM, started and ended by this command. This process is the destination: the program"
                    + " goes on here at once, and its memory follows, page by page on fault and in bulk behind.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  userload replay",
            "  userload replay --memory 1G --switch-at 0.25 --json result.json",
            "  userload replay --trace sort.lackey.gz --interceptor software",
            "  userload replay --loops 10 --rate 5000000",
            "  userload replay --mode precopy --link 1gbit --rate 2000000 --loops 5",
            "  userload replay --mode hybrid --memory 256M",
            "  userload replay --memory 512M --free-fraction 0.6 --zero-fraction 0.2 --mode precopy",
            "  userload replay --memory 512M --free-fraction 0.6 --poison aaaaaaaaaaaaaaaa --balloon 64M",
            "  userload replay --record-working-set guest.uws; userload replay --working-set guest.uws --link 1gbit",
            "  userload replay --mode precopy --link 1gbit --compress lz4 --delta-cache 64M --loops 5",
            "",
            "Exit codes: 0 verified, 1 failed, 2 wrong usage."
        })
final class ReplayCommand implements Callable<Integer> {
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

    @Option(
            names = "--socket",
            paramLabel = "KIND",
            defaultValue = "tcp",
            description = "Sockets between the processes: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private SocketKind socket = SocketKind.TCP;

    /** Socket families. */
    enum SocketKind {
        TCP,
        UNIX;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    private DestinationOptions destinationOptions = new DestinationOptions();

    @Mixin
    private PlacementOptions placement = new PlacementOptions();

    /** Set by {@code compare}. */
    @Option(names = "--end-with-parent", hidden = true)
    private boolean endWithParent;

    @Mixin
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private CompressOption compress = new CompressOption();

    @Mixin
    private BandwidthOptions bandwidth = new BandwidthOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (endWithParent) {
            ParentWatch.start();
        }
        JsonFile jsonFile = destinationOptions.jsonFile();
        switchOption.check();
        replay.rate();
        coldMemory.shares();
        hints.check();
        migration.plan();
        placement.placement();
        migration.encoding(compress.compression());
        destinationOptions
                .prefetch()
                .check(
                        migration.mode() == MigrationMode.POSTCOPY,
                        "what a program touches is recorded as it faults, so all of its memory has to be missing where it"
                                + " goes on; give --mode=postcopy");
        Trace trace = traceOptions.load();
        MigrationResult result = run(trace, replay.guest(trace, coldMemory));
        if (jsonFile != null) {
            jsonFile.write(result);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(ResultTable.of(result));
        out.flush();
        return result.verified() ? 0 : 1;
    }

    private MigrationResult run(Trace trace, ReplayedGuest guest) throws Exception {
        try (SocketPlace place = SocketPlace.choose(socket == SocketKind.UNIX);
                SourceProcess source = SourceProcess.start(sourceArguments(trace, place.endpoint()))) {
            ReplayRun run = new ReplayRun(
                    guest, migration.mode(), hints, destinationOptions, linkOptions.link(), placement.placement());
            try {
                return run.migrateFrom(source);
            } catch (HandoverException e) {
                throw new IOException(whatBecameOfTheGuest(source, e), e);
            }
        }
    }

    private static String whatBecameOfTheGuest(SourceProcess source, HandoverException refused) {
        try {
            SourceStory.Stayed stayed = source.awaitStayed();
            return "the guest did not move: " + stayed.why() + "; it came to its end there, "
                    + (stayed.verified() ? "verified" : "WRONG");
        } catch (IOException e) {
            return refused.getMessage() + "; " + e.getMessage();
        }
    }

    private List<String> sourceArguments(Trace trace, Endpoint listen) throws IOException {
        List<String> arguments = new ArrayList<>(traceOptions.arguments());
        arguments.addAll(replay.arguments(trace));
        arguments.addAll(coldMemory.arguments());
        arguments.addAll(hints.arguments());
        arguments.addAll(switchOption.arguments());
        arguments.addAll(migration.arguments());
        arguments.addAll(linkOptions.arguments());
        arguments.addAll(placement.arguments());
        arguments.addAll(compress.arguments());
        arguments.addAll(bandwidth.arguments());
        arguments.add("--listen=" + listen);
        return arguments;
    }
}
