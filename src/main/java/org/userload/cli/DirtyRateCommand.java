package org.userload.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.userload.dirty.DirtyRate;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.report.Quantities;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.SeededMemory;
import org.userload.trace.Trace;
import org.userload.trace.Workload;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures how fast a program dirties its memory, without moving it. */
@Command(
        name = "dirtyrate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs a recorded program and measures how many distinct pages it writes per interval: what each round of pre-copy"
                    + " would have to send again.",
            ""
        },
        footer = {
            "",
            "Pre-copy gets smaller from round to round only if the link is faster than the rate of intervals as long as a"
                    + " round.",
            "",
            "Examples:",
            "  userload dirtyrate --loops 20 --rate 5000000",
            "  userload dirtyrate --trace sort.ult.zst --over 5000 --interval 1000"
        })
final class DirtyRateCommand implements Callable<Integer> {
    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private ReplayOptions replay = new ReplayOptions();

    @Option(
            names = "--over",
            paramLabel = "MS",
            defaultValue = "1000",
            description = "How long to measure, milliseconds. Default: ${DEFAULT-VALUE}.")
    private long overMillis;

    @Option(
            names = "--interval",
            paramLabel = "MS",
            defaultValue = "100",
            description = "A page counts once in this many milliseconds. Default: ${DEFAULT-VALUE}.")
    private long intervalMillis;

    @Option(
            names = "--tracker",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "How writes are tracked: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TrackerChoice tracker = TrackerChoice.AUTO;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (intervalMillis < 1
                || overMillis < intervalMillis
                || overMillis > Duration.ofHours(1).toMillis()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--interval is at least 1 ms and --over at least that and at most an hour, not " + intervalMillis
                            + " and " + overMillis);
        }
        Trace trace = traceOptions.load();
        Program program = replay.program(trace);
        try (GuestMemory memory = GuestMemory.present(replay.table(trace));
                Workload guest = new Workload(program, replay.rate(), new GuestReplayMemory(memory));
                DirtyTracker writes = DirtyTrackers.open(memory, tracker)) {
            SeededMemory.fill(new GuestReplayMemory(memory), program.seed());
            writes.start();
            guest.resume();
            DirtyRate rate =
                    DirtyRate.measure(writes, Duration.ofMillis(overMillis), Duration.ofMillis(intervalMillis));
            boolean finished = guest.completion().isDone();
            tell(rate, writes.name());
            if (finished) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "userload: the program came to its end meanwhile, so its rate is higher; give more --loops,"
                                        + " a lower --rate or a shorter --over");
                return 1;
            }
        }
        return 0;
    }

    private void tell(DirtyRate rate, String trackerName) {
        double bytesPerSecond = rate.pagesPerSecond() * PageSize.DEFAULT.bytes();
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%,.0f pages/s over %d ms, %s/s, in intervals of %d ms, tracked by %s%n",
                rate.pagesPerSecond(),
                rate.nanos() / 1_000_000,
                Quantities.bytes((long) bytesPerSecond),
                intervalMillis,
                trackerName);
        out.flush();
    }
}
