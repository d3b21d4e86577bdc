package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.support.Seeds;
import org.userload.trace.ColdPages.Kind;
import org.userload.trace.ColdPages.Shares;

/** The kinds of cold pages are those of {@code docs/replay.md}, and filled as it says. */
class ColdPagesTest {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private record Run(Kind kind, long first, long count) {}

    private static List<Run> runs(ColdPages cold) {
        List<Run> runs = new ArrayList<>();
        cold.forEachRun((kind, first, count) -> runs.add(new Run(kind, first, count)));
        return runs;
    }

    private static long mix64(long z) {
        long x = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        x = (x ^ x >>> 27) * 0x94D049BB133111EBL;
        return x ^ x >>> 31;
    }

    /** As the document has it, page by page. */
    private static Kind[] byTheBook(int pages, double zero, double free, long balloon, long seed) {
        long[] toDeal = {(long) (zero * pages), (long) (free * pages), balloon, 0};
        toDeal[3] = pages - toDeal[0] - toDeal[1] - toDeal[2];
        Kind[] order = {Kind.ZERO, Kind.FREE, Kind.BALLOONED, Kind.IN_USE};
        long k = mix64(seed ^ 0x6567617065657266L);
        Kind[] kinds = new Kind[pages];
        int page = 0;
        for (long run = 0; page < pages; run++) {
            long first = mix64(k + (2 * run + 1) * GOLDEN);
            long second = mix64(k + (2 * run + 2) * GOLDEN);
            long length = 1L << (((first >>> 32) * 11) >>> 32);
            long x = ((second >>> 32) * (pages - page)) >>> 32;
            int kind = 0;
            while (kind < 3 && x >= toDeal[kind]) {
                x -= toDeal[kind++];
            }
            for (; length > 0 && toDeal[kind] > 0; length--, toDeal[kind]--) {
                kinds[page++] = order[kind];
            }
        }
        return kinds;
    }

    @Test
    void kinds_areThoseOfTheDocument() {
        SplittableRandom random = Seeds.random("cold pages");
        for (int i = 0; i < 100; i++) {
            int pages = 1 + random.nextInt(20_000);
            double zero = random.nextInt(3) == 0 ? 0 : random.nextDouble();
            double free = random.nextInt(3) == 0 ? 1 - zero : random.nextDouble(1 - zero + 1e-9);
            Shares none = new Shares(zero, Math.min(free, 1 - zero), 0);
            long balloon = random.nextLong(pages - none.zeroOf(pages) - none.freeOf(pages) + 1);
            Shares shares = new Shares(zero, none.freeFraction(), balloon);
            long seed = random.nextLong();
            long firstPage = random.nextInt(1000);
            ColdPages cold = ColdPages.of(firstPage, pages, shares, seed);
            Kind[] expected = byTheBook(pages, zero, shares.freeFraction(), balloon, seed);
            Kind[] actual = new Kind[pages];
            for (Run run : runs(cold)) {
                int from = (int) (run.first - firstPage);
                Arrays.fill(actual, from, from + (int) run.count, run.kind);
            }
            assertThat(actual)
                    .as("%s of %d pages, seed %d", shares, pages, seed)
                    .isEqualTo(expected);
            for (Kind kind : Kind.values()) {
                assertThat(cold.count(kind))
                        .isEqualTo(Arrays.stream(expected).filter(kind::equals).count());
            }
        }
    }

    @Test
    void exampleOfTheDocument_holds() {
        ColdPages cold = ColdPages.of(734, 3362, new Shares(0.2, 0.5, 256), 1);
        assertThat(cold.count(Kind.ZERO)).isEqualTo(672);
        assertThat(cold.count(Kind.FREE)).isEqualTo(1681);
        assertThat(cold.count(Kind.BALLOONED)).isEqualTo(256);
        assertThat(cold.count(Kind.IN_USE)).isEqualTo(753);
        assertThat(runs(cold))
                .containsExactly(
                        new Run(Kind.FREE, 734, 16),
                        new Run(Kind.IN_USE, 750, 32),
                        new Run(Kind.FREE, 782, 1024),
                        new Run(Kind.BALLOONED, 1806, 256),
                        new Run(Kind.IN_USE, 2062, 128),
                        new Run(Kind.ZERO, 2190, 64),
                        new Run(Kind.FREE, 2254, 256),
                        new Run(Kind.IN_USE, 2510, 56),
                        new Run(Kind.FREE, 2566, 64),
                        new Run(Kind.ZERO, 2630, 512),
                        new Run(Kind.IN_USE, 3142, 64),
                        new Run(Kind.FREE, 3206, 321),
                        new Run(Kind.IN_USE, 3527, 473),
                        new Run(Kind.ZERO, 4000, 96));
    }

    @Test
    void neighbours_differ_andNothingIsLeftOut() {
        ColdPages cold = ColdPages.of(5, 1 << 20, new Shares(0.3, 0.6, 1000), 7);
        long at = 5;
        Kind before = null;
        for (Run run : runs(cold)) {
            assertThat(run.first).isEqualTo(at);
            assertThat(run.count).isPositive();
            assertThat(run.kind).isNotEqualTo(before);
            before = run.kind;
            at += run.count;
        }
        assertThat(at).isEqualTo(5 + (1 << 20));
        assertThat(runs(cold)).as("mixed, not in a few areas").hasSizeGreaterThan(1000);
    }

    @Test
    void onlyInUse_isOneRun_andNothingIsNone() {
        assertThat(runs(ColdPages.of(3, 1000, Shares.NONE, 1))).containsExactly(new Run(Kind.IN_USE, 3, 1000));
        assertThat(runs(ColdPages.of(3, 0, Shares.NONE, 1))).isEmpty();
    }

    @Test
    void filledMemory_hasContentEverywhere_butInZeroPages() {
        int pages = 600;
        ArrayMemory memory = new ArrayMemory(pages * 4096L);
        ColdPages cold = ColdPages.of(10, pages - 10, new Shares(0.3, 0.3, 50), 9);
        cold.fill(memory, 9);
        byte[] seeded = new byte[4096];
        byte[] actual = new byte[4096];
        cold.forEachRun((kind, first, count) -> {
            for (long page = first; page < first + count; page++) {
                SeededMemory.fill(seeded, 0, 4096, 9, page * 4096);
                memory.get(page * 4096, actual, 0, 4096);
                assertThat(actual).as("page %d, %s", page, kind).isEqualTo(kind == Kind.ZERO ? new byte[4096] : seeded);
            }
        });
        SeededMemory.fill(seeded, 0, 4096, 9, 0);
        memory.get(0, actual, 0, 4096);
        assertThat(actual).isEqualTo(seeded);
    }

    @ParameterizedTest
    @CsvSource({"-0.1, 0, 0", "1.1, 0, 0", "0, NaN, 0", "0.6, 0.5, 0", "0, 0, -1", "0.5, 0.4, 11", "0, 0, 101"})
    void impossibleShares_areRefused(double zero, double free, long balloon) {
        assertThatThrownBy(() -> ColdPages.of(0, 100, new Shares(zero, free, balloon), 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void balloonOfAllThatIsLeft_fits() {
        ColdPages cold = ColdPages.of(0, 100, new Shares(0.5, 0.4, 10), 1);
        assertThat(cold.count(Kind.IN_USE)).isZero();
        assertThat(ColdPages.of(0, 100, new Shares(0.1, 0.9, 0), 1).count(Kind.FREE))
                .isEqualTo(90);
    }
}
