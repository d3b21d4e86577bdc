package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.userload.destination.InterceptorChoice;
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
            "",
            "Exit codes: 0 verified, 1 failed, 2 wrong usage."
        })
final class ReplayCommand implements Callable<Integer> {
    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private ReplayOptions replay = new ReplayOptions();

    /** The modes of migration that there are. */
    enum Mode {
        POSTCOPY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "postcopy",
            description = "How to move: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Mode mode = Mode.POSTCOPY;

    @Option(
            names = "--interceptor",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = {
                "How faults are caught: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}, which is userfaultfd"
                        + " where the kernel permits it, else software."
            })
    private InterceptorChoice interceptor = InterceptorChoice.AUTO;

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
    private LinkOptions linkOptions = new LinkOptions();

    @Mixin
    private BandwidthOptions bandwidth = new BandwidthOptions();

    @Option(names = "--json", paramLabel = "FILE", description = "Also write the result as JSON (userload.result/1).")
    private @Nullable Path json;

    @Option(names = "--no-progress", description = "Do not show progress.")
    private boolean noProgress;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        JsonFile jsonFile = json == null ? null : JsonFile.check(json);
        replay.switchAt();
        Trace trace = traceOptions.load();
        replay.table(trace);
        MigrationResult result = run(trace);
        if (jsonFile != null) {
            jsonFile.write(result);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(ResultTable.of(result));
        out.flush();
        return result.verified() ? 0 : 1;
    }

    private MigrationResult run(Trace trace) throws Exception {
        try (SocketPlace place = SocketPlace.choose(socket == SocketKind.UNIX);
                SourceProcess source = SourceProcess.start(sourceArguments(trace, place.endpoint()))) {
            ReplayRun run =
                    new ReplayRun(trace, replay.seed(), mode.toString(), interceptor, linkOptions.link(), !noProgress);
            return run.migrateFrom(source.endpoint());
        }
    }

    private List<String> sourceArguments(Trace trace, Endpoint listen) throws IOException {
        List<String> arguments = new ArrayList<>(traceOptions.arguments());
        arguments.addAll(List.of(replay.arguments(trace)));
        arguments.addAll(linkOptions.arguments());
        arguments.addAll(bandwidth.arguments());
        arguments.add("--listen=" + listen);
        return arguments;
    }
}
