package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.Patterns;
import org.userload.support.Seeds;
import org.userload.support.TestJvm;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/**
 * Threads that read and write race the stream from the first page to the last. Afterwards every byte must be what the
 * source had, or what the thread wrote that owns the word: no write is lost under a page that came late, no page is
 * installed twice, none is left out.
 */
@Timeout(120)
class StreamRaceTest {
    private static final int THREADS = 4;

    /** Words at the start of each page: one for each thread, then one that all add to. */
    private static final int SHARED_WORD = THREADS;

    @Test
    void userfaultfd_keepsEveryByte_overOneGibibyte() throws Exception {
        race(InterceptorChoice.USERFAULTFD, 1L << 30);
    }

    @Test
    void software_keepsEveryByte() throws Exception {
        race(InterceptorChoice.SOFTWARE, 192L << 20);
    }

    /** The source must be another process: this one; the touching threads are in a JVM of their own. */
    @Test
    void signal_keepsEveryByte() throws Exception {
        long seed = Seeds.of("StreamRaceTest " + InterceptorChoice.SIGNAL);
        RegionTable table = table((192L << 20) >>> 12);
        try (GuestMemory origin = GuestMemory.present(table)) {
            Patterns.fill(origin, seed);
            try (PageServer server = PageServer.serve(
                    Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {})) {
                TestJvm.Result result =
                        TestJvm.run(100, SignalRace.class, server.endpoint().toString(), Long.toString(seed));
                System.out.println(result.output());
                assertThat(result.ended()).as("it hangs").isTrue();
                assertThat(result.output()).contains("every byte right");
                assertThat(result.exitCode()).isZero();
            }
        }
    }

    /** The other JVM. */
    static final class SignalRace {
        private SignalRace() {}

        public static void main(String[] arguments) throws Exception {
            race(Endpoint.parse(arguments[0]), InterceptorChoice.SIGNAL, Long.parseLong(arguments[1]));
            System.out.println("every byte right");
            System.exit(0);
        }
    }

    private static RegionTable table(long pages) {
        return new RegionTable(
                PageSize.DEFAULT,
                List.of(new RegionTable.Entry(0, pages / 4), new RegionTable.Entry(1L << 40, pages - pages / 4)));
    }

    private static void race(InterceptorChoice choice, long bytes) throws Exception {
        long seed = Seeds.of("StreamRaceTest " + choice);
        RegionTable table = table(bytes >>> 12);
        try (GuestMemory origin = GuestMemory.present(table)) {
            Patterns.fill(origin, seed);
            try (PageServer server = PageServer.serve(
                    Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {})) {
                race(server.endpoint(), choice, seed);
            }
        }
    }

    private static void race(Endpoint source, InterceptorChoice choice, long seed) throws Exception {
        try (Destination destination =
                Destination.open(DestinationConfig.from(source).withInterceptor(choice))) {
            long pages = destination.memory().table().totalPages();
            AtomicIntegerArray additions = new AtomicIntegerArray((int) pages);
            AtomicInteger number = new AtomicInteger();
            List<FutureTask<Toucher>> touchers = Threads.start(THREADS, () -> {
                Toucher toucher = new Toucher(destination, number.getAndIncrement(), seed, additions);
                toucher.run();
                return toucher;
            });
            DestinationStatistics statistics = destination.completion().get(60, TimeUnit.SECONDS);
            long[][] written = new long[THREADS][];
            long touches = 0;
            for (FutureTask<Toucher> task : touchers) {
                Toucher toucher = Threads.join(task, 30);
                written[toucher.number] = toucher.written;
                touches += toucher.touches;
            }
            System.out.println("StreamRaceTest " + choice + ": " + touches + " touches, " + statistics.pages());
            assertThat(statistics.pagesInPlace()).isEqualTo(pages);
            assertThat(statistics.pages().demand()).isPositive();
            assertThat(statistics.pages().stream()).isPositive();
            check(destination.memory(), seed, written, additions, 0, pages / 2);
            check(destination.memory(), seed, written, additions, pages / 2, pages);
        }
    }

    private static long addressOf(RegionTable table, long page) {
        long inFirst = table.entries().get(0).pageCount();
        return page < inFirst ? page << 12 : (1L << 40) + ((page - inFirst) << 12);
    }

    private static void check(
            GuestMemory memory, long seed, long[][] written, AtomicIntegerArray additions, long first, long end) {
        for (long page = first; page < end; page++) {
            long address = addressOf(memory.table(), page);
            for (int word = 0; word < 512; word++) {
                long expected = Patterns.wordAt(address + word * 8L, seed);
                if (word < THREADS && written[word][(int) page] != 0) {
                    expected = written[word][(int) page];
                } else if (word == SHARED_WORD) {
                    expected += additions.get((int) page);
                }
                long found = memory.getLong(address + word * 8L);
                if (found != expected) {
                    throw new AssertionError(String.format(
                            "page %d word %d at 0x%x: 0x%x instead of 0x%x",
                            page, word, address + word * 8L, found, expected));
                }
            }
        }
    }

    /** Reads what nobody writes, reads and writes its own words, adds to the shared ones. */
    private static final class Toucher {
        final int number;
        final long[] written;
        long touches;

        private final Destination destination;
        private final GuestMemory memory;
        private final long seed;
        private final AtomicIntegerArray additions;
        private final SplittableRandom random;

        Toucher(Destination destination, int number, long seed, AtomicIntegerArray additions) {
            this.destination = destination;
            this.memory = destination.memory();
            this.number = number;
            this.seed = seed;
            this.additions = additions;
            this.random = new SplittableRandom(seed + number);
            this.written = new long[additions.length()];
        }

        void run() {
            while (!destination.completion().isDone()) {
                int page = random.nextInt(written.length);
                long address = addressOf(memory.table(), page);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        long other = address + 8L * random.nextInt(SHARED_WORD + 1, 512);
                        same(other, memory.getLong(other), Patterns.wordAt(other, seed));
                    }
                    case 1 -> {
                        long value = random.nextLong() | 1;
                        memory.putLong(address + 8L * number, value);
                        written[page] = value;
                    }
                    case 2 -> {
                        long own = address + 8L * number;
                        long expected = written[page] != 0 ? written[page] : Patterns.wordAt(own, seed);
                        same(own, memory.getLong(own), expected);
                    }
                    default -> {
                        memory.getAndAddLong(address + 8L * SHARED_WORD, 1);
                        additions.incrementAndGet(page);
                    }
                }
                touches++;
            }
        }

        private void same(long address, long found, long expected) {
            if (found != expected) {
                throw new AssertionError(String.format("at 0x%x: 0x%x instead of 0x%x", address, found, expected));
            }
        }
    }
}
