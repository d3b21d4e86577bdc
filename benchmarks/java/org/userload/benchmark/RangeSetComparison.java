package org.userload.benchmark;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.userload.hint.RangeSet;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Keeps released pages in the range set and in what else could keep them: time for each range added, for a lookup, to give
 * back 200 GB, and bytes of heap. A fill happens once in the life of a set, so a run is one fill of an empty set; each
 * subject should have a JVM of its own.
 */
@Command(
        name = "RangeSetComparison",
        mixinStandardHelpOptions = true,
        description = "Time and memory of sets of pages. One subject for each JVM is the fair way.")
public final class RangeSetComparison implements Callable<Integer> {
    private static final int LOOKUPS = 1 << 22;
    private static final long GIVEN_BACK_BYTES = 200_000_000_000L;

    /** In which order pages come. */
    private enum Pattern {
        /** Every page once, in an order that is computed as it goes: for memory too large for an array of its pages. */
        SCATTERED,
        RANDOM,
        SEQUENTIAL,
        EVERY_SECOND,
        RANGES,
        ONE_RANGE;

        /** Single pages are most expensive to keep when half of them are there. */
        boolean isMeasuredHalfFull() {
            return this == RANDOM || this == SCATTERED;
        }
    }

    @Parameters(description = "${COMPLETION-CANDIDATES}")
    private List<RangeSubject.Kind> kinds = List.of();

    @Option(names = "--gib", description = "Memory in pages of 4 KiB. Default: ${DEFAULT-VALUE}.")
    private int gib = 64;

    @Option(names = "--pattern", split = ",", description = "${COMPLETION-CANDIDATES}. Default: all but SCATTERED.")
    private List<Pattern> patterns =
            List.of(Pattern.RANDOM, Pattern.SEQUENTIAL, Pattern.EVERY_SECOND, Pattern.RANGES, Pattern.ONE_RANGE);

    @Option(names = "--goals", description = "Only: bytes for one range of 1 TiB, and 200 GB given back of 256 GiB.")
    private boolean goals;

    @Option(names = "--runs", description = "Runs, after one that is not counted. Default: ${DEFAULT-VALUE}.")
    private int runs = 5;

    @Option(names = "--seed", description = "Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new RangeSetComparison()).execute(arguments));
    }

    /** Ranges in the order in which they come: pages when there are no counts, scattered when there are no firsts. */
    private static final class Work {
        private final int[] firsts;
        private final int[] counts;
        private final int size;
        private final int bits;

        Work(int[] firsts, int[] counts) {
            this.firsts = firsts;
            this.counts = counts;
            this.size = firsts.length;
            this.bits = 0;
        }

        /** All numbers of some bits. */
        Work(int bits) {
            this.firsts = new int[0];
            this.counts = new int[0];
            this.size = 1 << bits;
            this.bits = bits;
        }

        int first(int index) {
            return bits == 0 ? firsts[index] : scattered(index);
        }

        /** One to one: each step can be undone within these bits (as in the finalizer of MurmurHash3). */
        private int scattered(int index) {
            int mask = size - 1;
            int value = index * 0x85ebca6b & mask;
            value ^= value >>> (bits / 2);
            value = value * 0xc2b2ae35 & mask;
            return value ^ value >>> (bits / 2);
        }

        int count(int index) {
            return counts.length == 0 ? 1 : counts[index];
        }
    }

    /** What one run took. */
    private record Run(double addNanos, double lookupNanos, double giveBackMillis, double bytes) {}

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        if (goals) {
            printGoals(out);
            return 0;
        }
        int pages = Math.toIntExact((long) gib << 18);
        out.printf("%d GiB, %d pages; median [min-max] of %d runs%n", gib, pages, runs);
        out.flush();
        for (Pattern pattern : patterns) {
            Work work = work(pattern, pages);
            for (RangeSubject.Kind kind : kinds) {
                List<Run> measured = new ArrayList<>();
                for (int i = -1; i < runs; i++) {
                    Run run = run(kind, pages, pattern, work);
                    if (i >= 0) {
                        measured.add(run);
                    }
                    out.printf(Locale.ROOT, "  %s %s %d: add %.1f ns%n", pattern, kind, i, run.addNanos);
                    out.flush();
                }
                report(out, pattern, kind, measured);
            }
        }
        return 0;
    }

    private Run run(RangeSubject.Kind kind, int pages, Pattern pattern, Work work) {
        long heapBefore = usedHeap();
        RangeSubject subject = kind.create(pages);
        int size = work.size;
        int half = pattern.isMeasuredHalfFull() ? size / 2 : size;
        long nanos = fill(subject, work, 0, half);
        double bytes = usedHeap() - heapBefore;
        double lookup = lookups(subject, pages);
        nanos += fill(subject, work, half, size);
        RangeSubject fragmented = subject;
        if (pattern.isMeasuredHalfFull()) {
            fragmented = kind.create(pages);
            fill(fragmented, work, 0, half);
        }
        int givenBack = (int) Math.min(pages - 100, GIVEN_BACK_BYTES >> 12);
        long start = System.nanoTime();
        fragmented.remove(50, givenBack);
        double giveBack = (System.nanoTime() - start) / 1e6;
        if (fragmented.contains(50 + givenBack / 2) || fragmented.contains(49 + givenBack)) {
            throw new IllegalStateException("pages that were given back are still there");
        }
        return new Run((double) nanos / size, lookup, giveBack, bytes);
    }

    private void printGoals(PrintWriter out) {
        double[] bytes = new double[runs];
        for (int run = 0; run < runs; run++) {
            long before = usedHeap();
            RangeSet[] kept = new RangeSet[1000];
            for (int i = 0; i < kept.length; i++) {
                kept[i] = new RangeSet(1 << 28);
                kept[i].add(0, 1 << 28);
            }
            bytes[run] = (double) (usedHeap() - before) / kept.length;
            if (!kept[0].contains(0)) { // so that they are all still there
                throw new IllegalStateException("a page is not there");
            }
        }
        int pages = 1 << 26;
        double[] millis = new double[runs];
        for (int run = -1; run < runs; run++) {
            RangeSubject half = RangeSubject.Kind.RELEASED_MEMORY.create(pages);
            fill(half, new Work(26), 0, pages / 2);
            long start = System.nanoTime();
            half.remove(50, (int) (GIVEN_BACK_BYTES >> 12));
            if (run >= 0) {
                millis[run] = (System.nanoTime() - start) / 1e6;
            }
        }
        out.printf(
                Locale.ROOT, "one range of 1 TiB: %s bytes%n", Spread.of(bytes).text(0));
        out.printf(
                Locale.ROOT,
                "200 GB given back of 256 GiB, half of it released in scattered pages: %s ms%n",
                Spread.of(millis).text(2));
        out.flush();
    }

    private static long fill(RangeSubject subject, Work work, int from, int to) {
        long start = System.nanoTime();
        for (int i = from; i < to; i++) {
            subject.add(work.first(i), work.count(i));
        }
        subject.flush();
        return System.nanoTime() - start;
    }

    private double lookups(RangeSubject subject, int pages) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] asked = random.ints(LOOKUPS, 0, pages).toArray();
        int found = 0;
        long start = System.nanoTime();
        for (int page : asked) {
            found += subject.contains(page) ? 1 : 0;
        }
        long nanos = System.nanoTime() - start;
        if (found == 0) {
            throw new IllegalStateException("no page was found");
        }
        return (double) nanos / LOOKUPS;
    }

    private Work work(Pattern pattern, int pages) {
        SplittableRandom random = new SplittableRandom(seed);
        return switch (pattern) {
            case SCATTERED -> new Work(Integer.numberOfTrailingZeros(Integer.highestOneBit(pages)));
            case RANDOM -> new Work(shuffled(pages, random), new int[0]);
            case SEQUENTIAL -> new Work(every(1, pages), new int[0]);
            case EVERY_SECOND -> new Work(every(2, pages / 2), new int[0]);
            case ONE_RANGE -> new Work(new int[] {0}, new int[] {pages});
            case RANGES -> ranges(pages, random);
        };
    }

    /** The memory cut into ranges of 1 to 512 pages, in random order, with a page between each and the next. */
    private static Work ranges(int pages, SplittableRandom random) {
        int[] firsts = new int[pages / 2];
        int[] counts = new int[pages / 2];
        int size = 0;
        for (int first = 0; first < pages; size++) {
            firsts[size] = first;
            counts[size] = Math.min(1 + random.nextInt(512), pages - first);
            first += counts[size] + 1;
        }
        int[] order = shuffled(size, random);
        Work work = new Work(new int[size], new int[size]);
        for (int i = 0; i < size; i++) {
            work.firsts[i] = firsts[order[i]];
            work.counts[i] = counts[order[i]];
        }
        return work;
    }

    private static int[] every(int step, int size) {
        int[] pages = new int[size];
        for (int i = 0; i < size; i++) {
            pages[i] = i * step;
        }
        return pages;
    }

    private static int[] shuffled(int size, SplittableRandom random) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    private static long usedHeap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private static void report(PrintWriter out, Pattern pattern, RangeSubject.Kind kind, List<Run> runs) {
        out.printf(
                Locale.ROOT,
                "%-12s %-15s add %s ns   lookup %s ns   give back %s ms   heap %s KiB%n",
                pattern,
                kind,
                Spread.of(runs.stream().mapToDouble(Run::addNanos).toArray()).text(1),
                Spread.of(runs.stream().mapToDouble(Run::lookupNanos).toArray()).text(1),
                Spread.of(runs.stream().mapToDouble(Run::giveBackMillis).toArray())
                        .text(3),
                Spread.of(runs.stream().mapToDouble(run -> run.bytes / 1024).toArray())
                        .text(1));
        out.flush();
    }
}
