package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.support.Seeds;
import org.userload.transport.Endpoint;

/**
 * Rounds with deltas over real sockets: after every round the destination equals the source byte for byte, whatever was
 * written, made zero, pushed out of the cache or called back.
 */
@Timeout(120)
class DeltaRoundsTest {
    private static final long SECOND = 1L << 40;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 150), new RegionTable.Entry(SECOND, 90)));

    /** A source and a destination in rounds, driven step by step. */
    private static final class Pair implements AutoCloseable {
        final GuestMemory origin = GuestMemory.present(TABLE);
        final CompletableFuture<SourceSession> attached = new CompletableFuture<>();
        final PageServer server;
        final Destination destination;
        final SourceSession session;

        Pair(PageEncoding encoding, InterceptorChoice interceptor) throws Exception {
            ServerListener listener = new ServerListener() {
                @Override
                public void attached(SourceSession opened) {
                    attached.complete(opened);
                }
            };
            server = PageServer.serveGuest(
                    ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withEncoding(encoding),
                    new LivePageSource(origin, "guest"),
                    true,
                    listener);
            destination = Destination.open(DestinationConfig.from(server.endpoint())
                    .withInterceptor(interceptor)
                    .withDeadline(Duration.ofSeconds(20))
                    .withWindowPages(100)
                    .withStreamAtOnce(false));
            session = attached.get(20, TimeUnit.SECONDS);
        }

        void round() throws Exception {
            session.stream().sendRound().get(20, TimeUnit.SECONDS);
        }

        void assertSame() {
            GuestMemory there = destination.memory();
            for (RegionTable.Entry entry : TABLE.entries()) {
                for (long at = 0; at < entry.pageCount() << 12; at += Long.BYTES) {
                    long address = entry.guestAddress() + at;
                    if (there.getLong(address) != origin.getLong(address)) {
                        throw new AssertionError("page " + (at >>> 12) + " of the region at " + entry.guestAddress()
                                + " differs at byte " + (at & 4095));
                    }
                }
            }
        }

        @Override
        public void close() {
            destination.close();
            server.close();
            origin.close();
        }
    }

    /** Writes to some pages of the source as a guest would, and marks them. */
    private static void write(Pair pair, SplittableRandom random) {
        int pages = random.nextInt(60);
        for (int i = 0; i < pages; i++) {
            int region = random.nextInt(2);
            RegionTable.Entry entry = TABLE.entries().get(region);
            // Most writes go to few pages, so that these are sent again and again.
            long page = random.nextInt(3) > 0 ? random.nextInt(20) : random.nextLong(entry.pageCount());
            long start = entry.guestAddress() + (page << 12);
            switch (random.nextInt(6)) {
                case 0 -> pair.origin.put(start, new byte[4096], 0, 4096);
                // Content that comes again: a delta to any version but the last leaves it wrong.
                case 1, 2 -> pair.origin.put(start, version(page, random.nextInt(3)), 0, 4096);
                default -> {
                    byte[] bytes = new byte[bytesToWrite(random)];
                    random.nextBytes(bytes);
                    pair.origin.put(start + random.nextInt(4096 - bytes.length + 1), bytes, 0, bytes.length);
                }
            }
            pair.session.dirtied(region, page, 1);
        }
    }

    /** The same half of a page for each version, different quarters. */
    private static byte[] version(long page, int version) {
        byte[] bytes = new byte[4096];
        new SplittableRandom(page).nextBytes(bytes);
        Arrays.fill(bytes, version * 1024, version * 1024 + 700, (byte) version);
        return bytes;
    }

    private static int bytesToWrite(SplittableRandom random) {
        return switch (random.nextInt(3)) {
            case 0 -> 1 + random.nextInt(8);
            case 1 -> 1 + random.nextInt(500);
            default -> 4096;
        };
    }

    @ParameterizedTest
    @CsvSource({
        "NONE, 1000, SOFTWARE",
        "ZSTD, 1000, USERFAULTFD",
        "LZ4, 31, SOFTWARE",
        "NONE, 7, USERFAULTFD",
        "NONE, 1, SOFTWARE"
    })
    void destinationEqualsTheSource_afterEveryRound(Compression compression, int cachePages, InterceptorChoice choice)
            throws Exception {
        SplittableRandom random = Seeds.random("DeltaRoundsTest " + compression + cachePages);
        try (Pair pair = new Pair(new PageEncoding(compression, cachePages * 4096L), choice)) {
            write(pair, random);
            for (int round = 0; round < 150; round++) {
                pair.round();
                pair.assertSame();
                write(pair, random);
            }
            EncodingStatistics statistics = pair.session.encodingStatistics();
            assertThat(statistics.deltaHits()).isPositive();
            assertThat(statistics.deltaMisses()).isPositive();
            assertThat(statistics.deltaBytesSaved()).isGreaterThan(statistics.deltaHits() * 2048);
            endByPostCopy(pair);
        }
    }

    /** What was written last is called back, the guest written to at the destination, and the rest sent. */
    private static void endByPostCopy(Pair pair) throws Exception {
        long unsent = pair.session.unsentPages();
        long hits = pair.session.encodingStatistics().deltaHits();
        assertThat(pair.session.stream().discardUnsent().get(20, TimeUnit.SECONDS))
                .isEqualTo(unsent);
        long missing = 0;
        for (int region = 0; region < 2; region++) {
            MemoryRegion there = pair.destination.memory().region(region);
            missing += there.pageCount() - there.received().cardinality();
        }
        assertThat(missing).isEqualTo(unsent);
        pair.session.release();
        pair.destination.endRounds();
        pair.destination.startStream();
        pair.session.stream().sendRest();
        pair.destination.completion().get(20, TimeUnit.SECONDS);
        pair.assertSame();
        assertThat(pair.session.encodingStatistics().deltaHits()).isEqualTo(hits);
    }

    /** Each word is written once: one that is kept but not sent would stay wrong for ever. */
    @Test
    void pagesThatTheGuestWritesToWhileTheyAreSent_endRight() throws Exception {
        try (Pair pair = new Pair(new PageEncoding(Compression.NONE, 1 << 20), InterceptorChoice.SOFTWARE)) {
            for (long page = 0; page < 150; page++) {
                pair.origin.putLong(page << 12, 1);
            }
            pair.round();
            Thread guest = new Thread(() -> {
                for (long word = 1; word < 150 * 512; word++) {
                    pair.origin.putLong(word << 3, word);
                    for (int i = 0; i < 50; i++) {
                        Thread.onSpinWait();
                    }
                }
            });
            guest.start();
            int rounds = 0;
            while (guest.isAlive()) {
                pair.session.dirtied(0, 0, 150);
                pair.round();
                rounds++;
            }
            pair.session.dirtied(0, 0, 150);
            pair.round();
            pair.assertSame();
            assertThat(rounds).isPositive();
            assertThat(pair.session.encodingStatistics().deltaHits()).isPositive();
        }
    }

    @Test
    void fewWrittenBytes_areFewBytesOnTheWire() throws Exception {
        try (Pair pair = new Pair(new PageEncoding(Compression.NONE, 1 << 20), InterceptorChoice.SOFTWARE)) {
            for (long page = 0; page < 150; page++) {
                for (long at = 0; at < 4096; at += 8) {
                    pair.origin.putLong((page << 12) + at, page * at + 1);
                }
            }
            pair.round();
            for (long page = 0; page < 150; page++) {
                pair.origin.putLong((page << 12) + 800, -page);
            }
            pair.session.dirtied(0, 0, 150);
            pair.round();
            pair.assertSame();
            EncodingStatistics statistics = pair.session.encodingStatistics();
            assertThat(statistics.deltaHits()).isEqualTo(150);
            assertThat(statistics.deltaMisses()).isZero();
            assertThat(150 * 4096 - statistics.deltaBytesSaved()).isLessThan(150 * 16);
        }
    }
}
