package org.userload.benchmark;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The range set beside Guava's {@code TreeRangeSet}, a 64-bit Roaring bitmap and a plain bitmap: ns for each page of 8 GiB
 * that is added alone, in scattered order, to a set that was empty, and for a lookup when half of the pages are there. {@link
 * RangeSetComparison} has larger sizes, other orders and the heap.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class RangeSetBenchmark {
    private static final int PAGES = 1 << 21;
    private static final int LOOKUPS = 1 << 10;

    /** A {@link RangeSubject.Kind}. */
    @Param({"RELEASED_MEMORY", "RANGE_SET", "ROARING", "TREE_RANGE_SET", "BIT_SET"})
    public String kind = "";

    private RangeSubject half;
    private int next;

    /** One to one within the memory, since the factor is odd; 0.618 of it, so that neighbours come far apart. */
    private static int scattered(int index) {
        int value = index * 0x9e3779b1 & (PAGES - 1);
        return value ^ value >>> 10;
    }

    @Setup
    public void fillHalf() {
        half = RangeSubject.Kind.valueOf(kind).create(PAGES);
        for (int i = 0; i < PAGES / 2; i++) {
            half.add(scattered(i), 1);
        }
        half.flush();
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public Object fill() {
        RangeSubject subject = RangeSubject.Kind.valueOf(kind).create(PAGES);
        for (int i = 0; i < PAGES; i++) {
            subject.add(scattered(i), 1);
        }
        subject.flush();
        return subject;
    }

    @Benchmark
    @OperationsPerInvocation(LOOKUPS)
    public int lookup() {
        int found = 0;
        for (int i = 0; i < LOOKUPS; i++) {
            found += half.contains(scattered(next++ * 7)) ? 1 : 0;
        }
        return found;
    }
}
