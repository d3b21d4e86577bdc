package org.userload.cli;

import java.util.List;
import org.userload.trace.Program;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** When the guest moves. */
final class SwitchOption {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--switch-at",
            paramLabel = "FRACTION",
            defaultValue = "0.5",
            description = "When to move: after this part of the accesses, 0 to 1. Default: ${DEFAULT-VALUE}.")
    private double switchAt;

    /** Refuses what is no fraction. */
    void check() {
        if (!(switchAt >= 0 && switchAt <= 1)) {
            throw new ParameterException(spec.commandLine(), "--switch-at is 0 to 1, not " + switchAt);
        }
    }

    /** The access before which the migration begins. */
    long position(Program program) {
        check();
        return Math.min(Math.round(program.accessCount() * switchAt), program.accessCount());
    }

    /** The same for another process. */
    List<String> arguments() {
        return List.of("--switch-at=" + switchAt);
    }
}
