package org.userload.benchmark;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

@State(Scope.Thread)
public class GuestMemoryBenchmark {
    @Benchmark
    public long probe() {
        return System.nanoTime();
    }
}
