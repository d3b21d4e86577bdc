package org.userload.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.transport.Placement;
import org.userload.transport.WaitPolicy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where a command's loops run and how they wait. */
final class PlacementOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--cpus",
            paramLabel = "LIST",
            description = {
                "CPUs of the loops, for example 0,2-3: the first for faults (at a source: requests), the next for the stream,"
                        + " then the others, and from the start again. Default: any."
            })
    private @Nullable String cpus;

    @Option(
            names = "--wait",
            paramLabel = "HOW",
            defaultValue = "block",
            description = {
                "How the loop that serves faults or requests waits: block sleeps; spin never does, and takes a CPU;"
                        + " adaptive looks for more for a moment after each event and then sleeps. Default:"
                        + " ${DEFAULT-VALUE}."
            })
    private WaitPolicy waiting = WaitPolicy.BLOCK;

    /** @throws ParameterException for what is no list of CPUs */
    Placement placement() {
        try {
            return new Placement(cpus == null ? List.of() : Placement.parseCpus(cpus), waiting);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--cpus: " + e.getMessage(), e);
        }
    }

    /** The same for another process. */
    List<String> arguments() {
        String wait = "--wait=" + waiting;
        return cpus == null ? List.of(wait) : List.of(wait, "--cpus=" + cpus);
    }
}
