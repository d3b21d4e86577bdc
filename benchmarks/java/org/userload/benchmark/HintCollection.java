package org.userload.benchmark;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.userload.channel.BytePipe;
import org.userload.channel.ChannelLimits;
import org.userload.channel.GuestChannel;
import org.userload.channel.HostChannel;
import org.userload.channel.RingPipe;
import org.userload.channel.StreamPipe;
import org.userload.hint.FreePages;
import org.userload.hint.GuestBalloon;
import org.userload.hint.GuestFreeMemory;
import org.userload.hint.GuestMemoryAgent;
import org.userload.hint.GuestMemoryListener;
import org.userload.hint.GuestMemoryPort;
import org.userload.hint.HintResult;
import org.userload.hint.RangeBatch;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Collects the free pages of a guest over its channel: from the question until every hint is in {@link FreePages}. Guest and
 * host are threads of this process.
 */
@Command(
        name = "HintCollection",
        mixinStandardHelpOptions = true,
        description = "Time to collect the free pages of a guest.")
public final class HintCollection implements Callable<Integer> {
    private static final int PAGES_OF_A_GIB_SHIFT = 18;
    private static final int FEW = 1000;

    @Option(names = "--gib", description = "Memory in pages of 4 KiB. Default: ${DEFAULT-VALUE}.")
    private int gib = 8;

    @Option(names = "--runs", description = "Runs that count. Default: ${DEFAULT-VALUE}.")
    private int runs = 15;

    @Option(names = "--warmup", description = "Runs before them. Default: ${DEFAULT-VALUE}.")
    private int warmup = 30;

    @Option(names = "--seed", description = "Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new HintCollection()).execute(arguments));
    }

    /** How the guest says it. */
    private enum Form {
        /** The words of its own bitmap. */
        BITMAP,
        /** Ranges that go as such. */
        RANGES,
        /** Ranges that may go as bits. */
        SHORTEST
    }

    /** Which pages are free. */
    private enum Pattern {
        /** Half of them in 1000 ranges. */
        FEW_RANGES,
        /** Each with a probability of one half. */
        RANDOM_HALF,
        /** Every second one: the most ranges that there can be. */
        EVERY_SECOND
    }

    private record Run(double millis, long bytes) {}

    @Override
    public Integer call() throws Exception {
        int pages = Math.multiplyExact(gib, 1 << PAGES_OF_A_GIB_SHIFT);
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%d GiB, %d pages; ms, median [min-max] of %d runs after %d%n", gib, pages, runs, warmup);
        for (Pattern pattern : Pattern.values()) {
            BitSet free = free(pattern, pages);
            for (Form form : Form.values()) {
                for (boolean socket : new boolean[] {false, true}) {
                    report(out, pattern, form, socket, measure(pages, free, form, socket));
                }
            }
        }
        return 0;
    }

    private void report(PrintWriter out, Pattern pattern, Form form, boolean socket, List<Run> measured) {
        out.printf(
                "%-12s %-9s %-11s %s ms, %d bytes%n",
                pattern,
                form,
                socket ? "unix socket" : "ring",
                Spread.of(measured.stream().mapToDouble(Run::millis).toArray()).text(2),
                measured.get(0).bytes());
        out.flush();
    }

    private BitSet free(Pattern pattern, int pages) {
        SplittableRandom random = new SplittableRandom(seed);
        BitSet free = new BitSet(pages);
        switch (pattern) {
            case FEW_RANGES -> {
                int each = pages / FEW;
                for (int i = 0; i < FEW; i++) {
                    int first = i * each + random.nextInt(each / 4);
                    free.set(first, first + each / 2);
                }
            }
            case RANDOM_HALF -> {
                for (int page = 0; page < pages; page++) {
                    free.set(page, random.nextBoolean());
                }
            }
            case EVERY_SECOND -> {
                for (int page = 0; page < pages; page += 2) {
                    free.set(page);
                }
            }
        }
        return free;
    }

    private List<Run> measure(int pages, BitSet free, Form form, boolean socket) throws Exception {
        RegionTable table = new RegionTable(PageSize.DEFAULT, List.of(new RegionTable.Entry(0, pages)));
        GuestMemoryPort port = new GuestMemoryPort(new NoBalloon());
        BytePipe[] ends = socket ? sockets() : ring();
        try (HostChannel host = HostChannel.open(ends[0], ChannelLimits.DEFAULT, List.of(port));
                GuestChannel guest = GuestChannel.open(ends[1], ChannelLimits.DEFAULT);
                GuestMemoryAgent agent = GuestMemoryAgent.open(
                        guest, memory(pages, free, form), GuestBalloon.NONE, form != Form.RANGES)) {
            agent.connected().get(10, TimeUnit.SECONDS);
            List<Run> measured = new ArrayList<>();
            for (int i = -warmup; i < runs; i++) {
                FreePages known = new FreePages(table);
                known.watch();
                int id = known.beginEpoch();
                long before = host.counters().bytesIn();
                long start = System.nanoTime();
                port.report(id, known.sink(id)).get(30, TimeUnit.SECONDS);
                double millis = (System.nanoTime() - start) / 1e6;
                if (known.count() != free.cardinality()) {
                    throw new IllegalStateException(known.count() + " pages arrived of " + free.cardinality());
                }
                if (i >= 0) {
                    measured.add(new Run(millis, host.counters().bytesIn() - before));
                }
            }
            return measured;
        }
    }

    /** A guest that has what it needs at hand: its own bitmap, or its own list of ranges. */
    private static GuestFreeMemory memory(int pages, BitSet free, Form form) {
        if (form == Form.BITMAP) {
            long[] words = Arrays.copyOf(free.toLongArray(), pages / Long.SIZE);
            return into -> into.bits(0, words, 0, words.length);
        }
        RangeBatch ranges = new RangeBatch();
        for (int at = free.nextSetBit(0); at >= 0; ) {
            int end = free.nextClearBit(at);
            ranges.add(at, end - at);
            at = free.nextSetBit(end);
        }
        return into -> {
            for (int i = 0; i < ranges.size(); i++) {
                into.range(ranges.first(i), ranges.count(i));
            }
        };
    }

    private static BytePipe[] ring() {
        RingPipe.Pair pair = RingPipe.pair(RingPipe.DEFAULT_BYTES);
        return new BytePipe[] {pair.host(), pair.guest()};
    }

    private static BytePipe[] sockets() throws IOException {
        Path directory = Files.createTempDirectory("hints");
        Path path = directory.resolve("s");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            SocketChannel guest = SocketChannel.open(UnixDomainSocketAddress.of(path));
            return new BytePipe[] {StreamPipe.over(server.accept()), StreamPipe.over(guest)};
        } finally {
            Files.deleteIfExists(path);
            Files.delete(directory);
        }
    }

    /** Nothing is said about a balloon here. */
    private static final class NoBalloon implements GuestMemoryListener {
        @Override
        public HintResult inflate(RangeBatch pages) {
            throw new IllegalStateException("nobody inflates");
        }

        @Override
        public HintResult deflate(RangeBatch pages) {
            throw new IllegalStateException("nobody deflates");
        }
    }
}
