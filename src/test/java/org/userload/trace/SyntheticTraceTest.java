package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.trace.SyntheticTrace.Pattern;

class SyntheticTraceTest {
    private static List<TestTraces.Entry> entries(SyntheticTrace trace) throws IOException {
        try (TraceReader reader = trace.reader()) {
            return TestTraces.read(reader);
        }
    }

    /** docs/replay.md read aloud, with the JDK's SplitMix64 and exact arithmetic. */
    private static List<TestTraces.Entry> reference(SyntheticTrace trace) {
        SplittableRandom random = new SplittableRandom(trace.seed());
        List<TestTraces.Entry> entries = new ArrayList<>();
        long places = 4096 / trace.sizeBytes();
        for (long i = 0; i < trace.accesses(); i++) {
            long first = random.nextLong();
            long second = random.nextLong();
            long third = random.nextLong();
            if (i < trace.pages()) {
                entries.add(new TestTraces.Entry(Operation.READ, 4096 * i, trace.sizeBytes()));
                continue;
            }
            double part = Math.scalb((double) (first >>> 11), -53);
            long page = scaled(second, trace.workingSetPages());
            long place = scaled(third, places);
            if (trace.pattern() == Pattern.SEQUENTIAL) {
                page = (i - trace.pages()) / places % trace.workingSetPages();
                place = (i - trace.pages()) % places;
            }
            entries.add(new TestTraces.Entry(
                    part < trace.writes() ? Operation.WRITE : Operation.READ,
                    4096 * page + place * trace.sizeBytes(),
                    trace.sizeBytes()));
        }
        return entries;
    }

    private static long scaled(long random, long limit) {
        return BigInteger.valueOf(random >>> 32)
                .multiply(BigInteger.valueOf(limit))
                .shiftRight(32)
                .longValueExact();
    }

    @ParameterizedTest
    @EnumSource
    void trace_isTheOneOfTheSpecification(Pattern pattern) throws IOException {
        Random random = new Random(TestTraces.seed("synthetic"));
        for (int i = 0; i < 50; i++) {
            long pages = 1L + random.nextInt(300);
            SyntheticTrace trace = new SyntheticTrace(
                    pages,
                    1 + random.nextInt(3_000),
                    random.nextDouble(),
                    1 + random.nextInt((int) pages),
                    pattern,
                    1 + random.nextInt(random.nextBoolean() ? 64 : 4096),
                    random.nextLong());
            assertThat(entries(trace)).as(trace.toString()).isEqualTo(reference(trace));
        }
    }

    /** The numbers of docs/replay.md. */
    @ParameterizedTest
    @CsvSource({"RANDOM, 1727fee71d5b0533", "SEQUENTIAL, 89a33640bfc9cd81"})
    void example_hasTheFingerprintOfTheDocumentation(Pattern pattern, String fingerprint) throws IOException {
        SyntheticTrace trace = new SyntheticTrace(1_000, 100_000, 0.8, 250, pattern, 8, 1);
        try (TraceReader reader = trace.reader()) {
            assertThat(TraceLoader.load("synthetic", reader).fingerprint())
                    .isEqualTo(Long.parseUnsignedLong(fingerprint, 16));
        }
    }

    @Test
    void trace_touchesEveryPage_writesInTheWorkingSetOnly_asOftenAsAsked() throws IOException {
        SyntheticTrace synthetic = new SyntheticTrace(1_000, 101_000, 0.25, 100, Pattern.RANDOM, 8, 7);
        try (TraceReader reader = synthetic.reader()) {
            TraceSummary summary = TraceSummary.of(TraceLoader.load("synthetic", reader));
            assertThat(summary.pages()).isEqualTo(1_000);
            assertThat(summary.pagesWritten()).isEqualTo(100);
            assertThat(summary.accesses()).isEqualTo(101_000);
            assertThat(summary.writes()).isBetween(24_000L, 26_000L);
            assertThat(summary.pageCrossings()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 5000"})
    void allOrNothing_isExact(double writes, long expected) throws IOException {
        SyntheticTrace trace = new SyntheticTrace(10, 5_010, writes, 10, Pattern.RANDOM, 64, 3);
        assertThat(entries(trace).stream().filter(e -> e.operation() == Operation.WRITE))
                .hasSize((int) expected);
    }

    @ParameterizedTest
    @CsvSource({"t.ult", "t.csv", "t.ult.zst"})
    void file_holdsTheTrace(String name, @TempDir Path directory) throws IOException {
        SyntheticTrace trace = new SyntheticTrace(100, 70_000, 0.5, 50, Pattern.RANDOM, 16, 9);
        Path file = directory.resolve(name);
        try (TraceReader reader = trace.reader()) {
            assertThat(TraceConversion.write(reader, file, TraceFormat.AUTO, TraceConversion.ALL))
                    .isEqualTo(70_000);
        }
        try (TraceReader reader = TraceFiles.open(file, TraceFormat.AUTO)) {
            assertThat(TestTraces.read(reader)).isEqualTo(entries(trace));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 10, 0.5, 1, 8, '0 pages'",
        "-5, 10, 0.5, 1, 8, '-5 pages'",
        "536870913, 10, 0.5, 1, 8, '536870913 pages'",
        "10, 0, 0.5, 1, 8, '0 accesses'",
        "10, 10, -0.1, 1, 8, '0 to 1'",
        "10, 10, 1.1, 1, 8, '0 to 1'",
        "10, 10, NaN, 1, 8, '0 to 1'",
        "10, 10, 0.5, 11, 8, 'working set of 11 pages'",
        "10, 10, 0.5, 0, 8, 'working set of 0 pages'",
        "10, 10, 0.5, 1, 0, 'size of 0 bytes'",
        "10, 10, 0.5, 1, 4097, 'size of 4097 bytes'"
    })
    void valueOutOfRange_isRefused_andNamed(
            long pages, long accesses, double writes, long workingSet, int size, String named) {
        assertThatThrownBy(() -> new SyntheticTrace(pages, accesses, writes, workingSet, Pattern.RANDOM, size, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named)
                .hasMessageContaining("expected");
    }
}
