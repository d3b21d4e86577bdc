package org.userload.cli;

import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.trace.ColdPages;
import org.userload.transport.Link;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The guest, the link and the machines of a simulation. */
final class ModelOptions {
    private static final Pattern PERCENT = Pattern.compile("(\\d{1,3}(?:\\.\\d{1,3})?)\\s*%");
    private static final int DEFAULT_PART = 16;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            defaultValue = "16g",
            description = "Guest memory, 4k to 16T, for example 128g. Default: ${DEFAULT-VALUE}.")
    private long memoryBytes;

    @Option(
            names = "--working-set",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "The part of it that the guest uses while it moves. Default: a sixteenth.")
    private @Nullable Long workingSetBytes;

    @Option(
            names = "--free",
            paramLabel = "PART",
            defaultValue = "0",
            description = "The part of it that is free: --free-fraction in other words, as a size or as percent of all"
                    + " memory, as in 60%%. Default: none.")
    private String free = "0";

    @Mixin
    private ColdMemoryOptions coldMemory = new ColdMemoryOptions();

    @Option(
            names = "--dirty-rate",
            paramLabel = "N",
            defaultValue = "50000",
            description = {
                "Page writes per second to the working set; 0 for a guest that only reads. Default: ${DEFAULT-VALUE}.",
                "One page written many times before the next one counts once; 'userload dirtyrate' measures pages."
            })
    private double dirtyRate;

    @Option(
            names = "--touch-rate",
            paramLabel = "N",
            description = "Page reads and writes per second; they wait for missing pages. Default: the dirty rate.")
    private @Nullable Double touchRate;

    @Option(
            names = "--pattern",
            paramLabel = "PATTERN",
            defaultValue = "random",
            description = "Which page is used next: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private SimulatedGuest.Pattern pattern = SimulatedGuest.Pattern.RANDOM;

    @Option(
            names = "--place",
            paramLabel = "PLACE",
            defaultValue = "spread",
            description = "Where the working set lies in memory, which is sent upwards: ${COMPLETION-CANDIDATES}."
                    + " Default: ${DEFAULT-VALUE}.")
    private SimulatedGuest.Place place = SimulatedGuest.Place.SPREAD;

    @Option(
            names = "--link",
            paramLabel = "RATE[/RTT]",
            converter = LinkConverter.class,
            defaultValue = "10gbit",
            description = "The link, for example 1gbit, 100mbit/200us, 25gbit/1ms. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Link link;

    @Option(
            names = "--ceiling",
            paramLabel = "RATE",
            converter = RateConverter.class,
            description = "What both machines can send and install, in bytes per second or in bits as 20gbit. Default:"
                    + " 1000 MB/s, an assumption; --validate measures yours.")
    private @Nullable Long ceiling;

    SimulatedGuest guest() {
        long pages = pages("--memory", memoryBytes);
        long freePages = freePages(pages);
        long working = workingSetBytes == null
                ? Math.max(1, (pages - freePages) / DEFAULT_PART)
                : pages("--working-set", workingSetBytes);
        SimulatedGuest.Idle idle = idle(Math.max(0, pages - working), freePages);
        double touches = touchRate == null ? dirtyRate : touchRate;
        return checked(() -> new SimulatedGuest(pages, idle, working, place, pattern, dirtyRate, touches));
    }

    private SimulatedGuest.Idle idle(long coldPages, long freePages) {
        ColdPages.Shares shares = coldMemory.shares();
        if (freePages > 0 && shares.freeFraction() > 0) {
            throw new ParameterException(
                    spec.commandLine(), "--free and --free-fraction say the same in two ways; give one of them");
        }
        return new SimulatedGuest.Idle(
                shares.zeroOf(coldPages), freePages > 0 ? freePages : shares.freeOf(coldPages), shares.balloonPages());
    }

    private long pages(String option, long bytes) {
        long pages = PageSize.DEFAULT.pagesFor(bytes);
        if (bytes < 1 || pages > SimulatedGuest.MAX_PAGES) {
            throw new ParameterException(spec.commandLine(), option + " is 1 byte to 16T, not " + bytes);
        }
        return pages;
    }

    private long freePages(long pages) {
        Matcher percent = PERCENT.matcher(free.trim());
        if (!percent.matches()) {
            return checked(() -> new SizeConverter().convert(free)) / PageSize.DEFAULT.bytes();
        }
        double part = Double.parseDouble(String.valueOf(percent.group(1)));
        if (part > 100) {
            throw new ParameterException(spec.commandLine(), "--free is at most 100%, not " + free);
        }
        return (long) (pages * part / 100);
    }

    private <T> T checked(Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException | picocli.CommandLine.TypeConversionException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    Link link() {
        return link;
    }

    MachineCosts costs() {
        return ceiling == null ? MachineCosts.ASSUMED : MachineCosts.ASSUMED.withBytesPerSecond(ceiling);
    }
}
