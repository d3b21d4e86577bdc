package org.userload.benchmark;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntToLongFunction;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.destination.prefetch.PrefetchStatistics;
import org.userload.memory.GuestMemory;
import org.userload.transport.Link;

/**
 * One thread that touches pages in some order over an emulated link, with the background stream off: only what is touched and
 * what is read ahead of it comes; beside it the whole stream, in order. Source in another process, a new session each time, policies in turns. Arguments: a
 * link (1gbit/200us), rounds (5) and how many of the orders (all).
 */
public final class ReadAhead {
    private static final int PAGES = 16_384;
    private static final int TOUCHES = 8_192;
    private static final double GOAL = 0.8;

    private ReadAhead() {}

    private record Policy(String name, PrefetchPolicy policy, boolean stream) {}

    private record Order(String name, IntToLongFunction page) {}

    private record Scan(double shareOfLink, PrefetchStatistics statistics) {}

    public static void main(String[] arguments) throws Exception {
        Link link = Link.parse(arguments.length > 0 ? arguments[0] : "1gbit/200us");
        int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
        int most = arguments.length > 2 ? Integer.parseInt(arguments[2]) : Integer.MAX_VALUE;
        Policy[] policies = {
            new Policy("the whole stream", PrefetchPolicy.NONE, true),
            new Policy("none", PrefetchPolicy.NONE, false),
            new Policy("fixed:32", PrefetchPolicy.fixed(32), false),
            new Policy("adaptive", PrefetchPolicy.ADAPTIVE, false)
        };
        long[] shuffled = new SplittableRandom(1).longs(TOUCHES, 0, PAGES).toArray();
        Order[] orders = {
            new Order("sequential", i -> i),
            new Order("backwards", i -> PAGES - 1L - i),
            new Order("every other page", i -> 2L * i),
            new Order("4 scans in turns", i -> i / 4 + (long) (i % 4) * (PAGES / 4)),
            new Order("random", i -> shuffled[i])
        };
        System.out.println("| order | policy | share of the link | asked for | preferred | came | awaited | late |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        boolean met = true;
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.PATTERN, PAGES, -1, "link=" + link)) {
            for (Order order : Arrays.asList(orders).subList(0, Math.min(most, orders.length))) {
                double[][] shares = new double[policies.length][rounds];
                PrefetchStatistics[] last = new PrefetchStatistics[policies.length];
                for (int round = -1; round < rounds; round++) {
                    for (int i = 0; i < policies.length; i++) {
                        Scan scan = scan(source, link, policies[i], order);
                        last[i] = scan.statistics;
                        if (round >= 0) {
                            shares[i][round] = scan.shareOfLink;
                        }
                    }
                }
                for (int i = 0; i < policies.length; i++) {
                    Spread share = Spread.of(shares[i]);
                    print(order.name, policies[i].name, share, last[i]);
                    boolean isGoal = order.name.equals("sequential") && policies[i].name.equals("adaptive");
                    met &= !isGoal || share.median() >= GOAL;
                }
            }
        }
        System.out.printf(Locale.ROOT, "sequential, adaptive: %s of at least %.2f%n", met ? "met" : "MISSED", GOAL);
        System.exit(met ? 0 : 1);
    }

    private static void print(String order, String policy, Spread share, PrefetchStatistics last) {
        System.out.printf(
                "| %s | %s | %s | %d | %d | %d | %d | %d |%n",
                order,
                policy,
                share.text(2),
                last.requested(),
                last.preferred(),
                last.came(),
                last.awaited(),
                last.late());
    }

    /** Content touched per second, of what the link carries: headers keep it below 0.95. */
    private static Scan scan(SourceProcess source, Link link, Policy policy, Order order) throws Exception {
        try (Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withLink(link)
                .withPrefetch(policy.policy)
                .withBackgroundStream(policy.stream))) {
            GuestMemory memory = destination.memory();
            long start = System.nanoTime();
            for (int i = 0; i < TOUCHES; i++) {
                long address = order.page.applyAsLong(i) << 12;
                if (memory.getLong(address) != Pattern.word(address >>> 3, Pattern.SEED)) {
                    throw new IllegalStateException("wrong content at " + address);
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            return new Scan(
                    TOUCHES * 4096.0 / seconds / link.bytesPerSecond(),
                    destination.statistics().prefetch());
        }
    }
}
