package org.userload.cli;

import java.util.List;
import java.util.function.Supplier;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.report.Quantities;
import org.userload.trace.ColdPages;
import org.userload.trace.Program;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the guest's cold pages are: the same options wherever such a guest is made, so that all agree. */
final class ColdMemoryOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--zero-fraction",
            paramLabel = "F",
            defaultValue = "0",
            description = {
                "This part of the cold pages, 0 to 1, is in use but was never written to, and is zero: it moves as marks,"
                        + " without payload. Default: ${DEFAULT-VALUE}.",
                "Cold pages are those that the guest does not use while it moves: replay has them above the trace's pages"
                        + " and mixes the kinds as docs/replay.md says, simulate has them outside of the working set."
            })
    private double zeroFraction;

    @Option(
            names = "--free-fraction",
            paramLabel = "F",
            defaultValue = "0",
            description =
                    "This part of the cold pages, 0 to 1, was used and is free: it holds old content, which does not"
                            + " matter. With --hints on the guest says so, and it does not move. Default: ${DEFAULT-VALUE}.")
    private double freeFraction;

    @Option(
            names = "--balloon",
            paramLabel = "SIZE",
            defaultValue = "0",
            converter = SizeConverter.class,
            description =
                    "So much of the cold memory is with the host when the guest moves, by a balloon, for example 64M:"
                            + " the host has dropped it, and it does not move, whatever --hints is. Default: none.")
    private long balloonBytes;

    /**
     * The cold pages of a guest.
     *
     * @param table all of its memory
     */
    ColdPages pages(Program program, RegionTable table) {
        ColdPages.Shares shares = shares();
        long tracePages = program.trace().pageCount();
        long cold = table.totalPages() - tracePages;
        require(
                cold > 0 || shares.areNone(),
                () -> "--zero-fraction, --free-fraction and --balloon are about memory that the trace does not touch,"
                        + " and there is none; give more than --memory=" + tracePages * (PageSize.DEFAULT.bytes() >> 10)
                        + "k");
        long left = cold - shares.zeroOf(cold) - shares.freeOf(cold);
        require(
                shares.balloonPages() <= left,
                () -> "--balloon is at most " + size(left) + " here, not " + size(shares.balloonPages())
                        + ": the trace does not touch " + size(cold) + " of the memory, of which "
                        + size(shares.zeroOf(cold)) + " are zero and " + size(shares.freeOf(cold))
                        + " free; give more --memory or less of these");
        return ColdPages.of(tracePages, cold, shares, program.seed());
    }

    /** What was asked for, in itself. */
    ColdPages.Shares shares() {
        requireFraction("--zero-fraction", zeroFraction);
        requireFraction("--free-fraction", freeFraction);
        require(
                zeroFraction + freeFraction <= 1,
                () -> "--zero-fraction and --free-fraction are together at most 1, not " + zeroFraction + " and "
                        + freeFraction);
        return new ColdPages.Shares(zeroFraction, freeFraction, PageSize.DEFAULT.pagesFor(balloonBytes));
    }

    private void requireFraction(String option, double fraction) {
        require(fraction >= 0 && fraction <= 1, () -> option + " is 0 to 1, not " + fraction);
    }

    private void require(boolean holds, Supplier<String> otherwise) {
        if (!holds) {
            throw new ParameterException(spec.commandLine(), otherwise.get());
        }
    }

    private static String size(long pages) {
        return Quantities.bytes(pages * PageSize.DEFAULT.bytes());
    }

    /** The same for another process. */
    List<String> arguments() {
        return List.of(
                "--zero-fraction=" + zeroFraction, "--free-fraction=" + freeFraction, "--balloon=" + balloonBytes);
    }
}
