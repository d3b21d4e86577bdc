package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.TestJvm;
import org.userload.transport.Endpoint;

/**
 * Threads that wait for pages must not keep the JVM from a safepoint: a JVM that cannot reach one hangs for good. So the
 * readers and the collector run in a JVM of their own, and its source in this one.
 */
@Timeout(300)
class SafepointTest {
    private static final int PAGES = 12_000;
    private static final int READS = 1_000;
    private static final int READERS = 4;
    private static final int HANG_SECONDS = 120;

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE", "SIGNAL"})
    void collections_neverHangThreadsThatReadMissingPages(InterceptorChoice choice) throws Exception {
        long seed = Seeds.of("SafepointTest " + choice);
        try (GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(origin, seed);
            LivePageSource pages = new LivePageSource(origin, "test guest");
            try (PageServer server = PageServer.serve(Endpoint.parse("127.0.0.1:0"), pages, new ServerListener() {})) {
                TestJvm.Result result = TestJvm.run(
                        HANG_SECONDS, Readers.class, server.endpoint().toString(), choice.name(), Long.toString(seed));
                assertThat(result.ended()).as("it hangs").isTrue();
                assertThat(result.output()).contains("every value right");
                assertThat(result.exitCode()).isZero();
            }
        }
    }

    /** The other JVM: reads every page at random in some threads while another collects again and again. */
    static final class Readers {
        private Readers() {}

        public static void main(String[] arguments) throws Exception {
            DestinationConfig config = DestinationConfig.from(Endpoint.parse(arguments[0]))
                    .withInterceptor(InterceptorChoice.valueOf(arguments[1]))
                    .withStreamAtOnce(false);
            long seed = Long.parseLong(arguments[2]);
            AtomicBoolean done = new AtomicBoolean();
            Thread collector = new Thread(() -> {
                int collections = 0;
                for (; !done.get(); collections++) {
                    System.gc();
                    // Some time for the others; a pause no longer than a collection.
                    LockSupport.parkNanos(2_000_000);
                }
                System.out.println(collections + " collections");
            });
            collector.start();
            try (Destination destination = Destination.open(config)) {
                Thread[] readers = new Thread[READERS];
                AtomicBoolean wrong = new AtomicBoolean();
                for (int i = 0; i < READERS; i++) {
                    long own = seed + i;
                    readers[i] = new Thread(() -> read(destination.memory(), seed, new SplittableRandom(own), wrong));
                    readers[i].start();
                }
                for (Thread reader : readers) {
                    reader.join();
                }
                done.set(true);
                collector.join();
                System.out.println(wrong.get() ? "a value is wrong" : "every value right");
            }
        }

        private static void read(GuestMemory memory, long seed, SplittableRandom random, AtomicBoolean wrong) {
            for (int i = 0; i < READS; i++) {
                long address = random.nextLong((long) PAGES << 12) & -8;
                if (memory.getLong(address) != Patterns.wordAt(address, seed)) {
                    wrong.set(true);
                }
            }
        }
    }
}
