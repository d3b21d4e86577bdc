package org.userload.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.trace.AccessRate;
import org.userload.trace.Program;
import org.userload.trace.Trace;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a replay is: used by both processes, so that they agree. */
final class ReplayOptions {
    /** Largest guest that a replay makes: every page of it is filled and compared. */
    private static final long MAX_MEMORY_BYTES = 1L << 42;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = {
                "Guest memory, for example 512M or 4G. What the trace does not touch lies above its pages and is cold.",
                "Default: what the trace touches."
            })
    private @Nullable Long memoryBytes;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of the first content of memory. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = {"Accesses per second that the program makes, before and after it moved. Default: full speed."
            })
    private @Nullable Long rate;

    @Option(
            names = "--loops",
            paramLabel = "N",
            defaultValue = "1",
            description = "How often the program runs the trace. Default: ${DEFAULT-VALUE}.")
    private long loops;

    AccessRate rate() {
        if (rate == null) {
            return AccessRate.FULL_SPEED;
        }
        long given = rate;
        return checked("--rate", () -> new AccessRate(given));
    }

    /** What the guest runs. */
    Program program(Trace trace) {
        return checked("--loops", () -> new Program(trace, loops, seed));
    }

    private <T> T checked(String option, Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
        }
    }

    /** Guest memory for a trace: one region from address 0. */
    RegionTable table(Trace trace) {
        long pages = trace.pageCount();
        if (memoryBytes != null) {
            pages = PageSize.DEFAULT.pagesFor(memoryBytes);
            if (memoryBytes > MAX_MEMORY_BYTES || pages < 1) {
                throw new ParameterException(spec.commandLine(), "--memory is 1 byte to 4T, not " + memoryBytes);
            }
            if (pages < trace.pageCount()) {
                throw new ParameterException(
                        spec.commandLine(),
                        "the trace " + trace.name() + " touches " + trace.pageCount() + " pages, which do not fit into "
                                + memoryBytes + " bytes; give at least --memory=" + trace.pageCount() * 4 + "k");
            }
        }
        return RegionTable.single(pages);
    }

    /** All of the guest. */
    ReplayedGuest guest(Trace trace, ColdMemoryOptions coldMemory) {
        RegionTable table = table(trace);
        Program program = program(trace);
        return new ReplayedGuest(program, rate(), table, coldMemory.pages(program, table));
    }

    List<String> arguments(Trace trace) {
        List<String> arguments =
                new ArrayList<>(List.of("--memory=" + table(trace).totalBytes(), "--seed=" + seed, "--loops=" + loops));
        if (rate != null) {
            arguments.add("--rate=" + rate);
        }
        return arguments;
    }
}
