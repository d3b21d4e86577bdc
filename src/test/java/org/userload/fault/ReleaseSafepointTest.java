package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.TestJvm;
import org.userload.transport.Endpoint;

/**
 * Java threads read pages while these are released, and the collector runs all the time: a thread that found its page
 * received must not fault in Java code when the page is dropped under it, or the JVM hangs for good.
 */
@Timeout(300)
class ReleaseSafepointTest {
    private static final int PAGES = 12_000;
    private static final int READERS = 3;
    private static final int SECONDS = 10;
    private static final int HANG_SECONDS = 120;

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE", "SIGNAL"})
    void collections_neverHangThreadsWhosePagesAreReleased(InterceptorChoice choice) throws Exception {
        long seed = Seeds.of("ReleaseSafepointTest " + choice);
        try (GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(origin, seed);
            LivePageSource pages = new LivePageSource(origin, "test guest");
            try (PageServer server = PageServer.serve(Endpoint.parse("127.0.0.1:0"), pages, new ServerListener() {})) {
                TestJvm.Result result = TestJvm.run(
                        HANG_SECONDS, Readers.class, server.endpoint().toString(), choice.name(), Long.toString(seed));
                System.out.println(result.output());
                assertThat(result.ended()).as("it hangs").isTrue();
                assertThat(result.output()).contains("every value right");
                assertThat(result.exitCode()).isZero();
            }
        }
    }

    /** The other JVM. The last page is never touched, so that the session does not become complete. */
    static final class Readers {
        private Readers() {}

        public static void main(String[] arguments) throws Exception {
            DestinationConfig config = DestinationConfig.from(Endpoint.parse(arguments[0]))
                    .withInterceptor(InterceptorChoice.valueOf(arguments[1]))
                    .withStreamAtOnce(false);
            long seed = Long.parseLong(arguments[2]);
            AtomicBoolean done = new AtomicBoolean();
            AtomicBoolean wrong = new AtomicBoolean();
            AtomicLong reads = new AtomicLong();
            AtomicLong collections = new AtomicLong();
            // Daemons, and after the opening: what fails is then an error, and not a JVM that does not end.
            try (Destination destination = Destination.open(config)) {
                Thread collector = daemon(() -> {
                    while (!done.get()) {
                        System.gc();
                        collections.incrementAndGet();
                        LockSupport.parkNanos(2_000_000);
                    }
                });
                Thread[] readers = new Thread[READERS];
                for (int i = 0; i < READERS; i++) {
                    SplittableRandom random = new SplittableRandom(seed + i);
                    readers[i] = daemon(() -> {
                        while (!done.get()) {
                            long address = random.nextLong((PAGES - 1L) << 12) & -8;
                            long found = destination.memory().getLong(address);
                            // Released or not yet.
                            if (found != 0 && found != Patterns.wordAt(address, seed)) {
                                wrong.set(true);
                            }
                            reads.incrementAndGet();
                        }
                    });
                }
                long dropped = 0;
                SplittableRandom random = new SplittableRandom(seed - 1);
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
                while (System.nanoTime() < end) {
                    long count = random.nextInt(1, 5);
                    PageRange range = new PageRange(random.nextLong(PAGES - 1 - count), count);
                    dropped += destination
                            .release(0, range)
                            .get(20, TimeUnit.SECONDS)
                            .dropped();
                }
                done.set(true);
                for (Thread reader : readers) {
                    reader.join();
                }
                collector.join();
                System.out.println(reads + " reads, " + dropped + " pages dropped, " + collections + " collections");
                System.out.println(wrong.get() || dropped == 0 ? "a value is wrong" : "every value right");
            }
        }

        private static Thread daemon(Runnable work) {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            thread.start();
            return thread;
        }
    }
}
