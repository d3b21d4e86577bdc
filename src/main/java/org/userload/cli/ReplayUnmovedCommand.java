package org.userload.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.userload.memory.GuestMemory;
import org.userload.report.JsonFile;
import org.userload.report.ThroughputBucket;
import org.userload.report.UnmovedResult;
import org.userload.trace.CpuState;
import org.userload.trace.Program;
import org.userload.trace.ReplayedChannel;
import org.userload.trace.ThroughputSampler;
import org.userload.trace.Workload;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The base line of {@code compare}: runs the guest of {@code replay} from start to end in this process, as its source
 * process would until the switch and its destination from there on, and ends with its parent.
 */
@Command(name = ReplayUnmovedCommand.NAME, hidden = true, description = "A replay that does not move.")
final class ReplayUnmovedCommand implements Callable<Integer> {
    static final String NAME = "replay-unmoved";

    @Mixin
    private TraceOptions traceOptions = new TraceOptions();

    @Mixin
    private ReplayOptions replay = new ReplayOptions();

    @Mixin
    private ColdMemoryOptions coldMemory = new ColdMemoryOptions();

    @Mixin
    private SwitchOption switchOption = new SwitchOption();

    @Option(names = "--json", required = true)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path json;

    @Override
    public Integer call() throws Exception {
        ParentWatch.start();
        JsonFile jsonFile = JsonFile.check(json);
        switchOption.check();
        replay.rate();
        jsonFile.write(run(replay.guest(traceOptions.load(), coldMemory)));
        return 0;
    }

    private UnmovedResult run(ReplayedGuest replayed) throws Exception {
        Program program = replayed.program();
        try (GuestMemory memory = replayed.filledMemory();
                ReplayedChannel channel = replayed.channel(memory);
                Workload guest = replayed.on(memory)) {
            channel.inflateBalloon();
            try (ThroughputSampler sampler = ThroughputSampler.start(guest)) {
                long startNanos = System.nanoTime();
                guest.runTo(switchOption.position(program));
                long switchNanos = System.nanoTime();
                if (guest.state() == Workload.State.PAUSED) {
                    guest.resume();
                }
                CpuState end = guest.completion().get();
                long guestNanos = System.nanoTime() - startNanos;
                sampler.sample();
                return new UnmovedResult(
                        String.format("%016x", end.checksum()),
                        replayed.table().pageSize().bytes(),
                        replayed.table().totalBytes(),
                        program.accessCount(),
                        program.trace().pageCount(),
                        TimeUnit.NANOSECONDS.toMicros(guestNanos),
                        ThroughputBucket.of(switchNanos, List.of(sampler.samples())));
            }
        }
    }
}
