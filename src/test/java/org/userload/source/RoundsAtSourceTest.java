package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Patterns;
import org.userload.transport.Endpoint;

/** Rounds of a session, whatever its page source does in the middle of a read. */
@Timeout(60)
class RoundsAtSourceTest {
    private static final int PAGES = 100;
    private static final long SEED = 1;

    /** Does something when it reads a page. */
    private record Watched(PageSource source, long page, Runnable work) implements PageSource {
        @Override
        public RegionTable regions() {
            return source.regions();
        }

        @Override
        public PageRun describe(int region, long firstPage, int maxPages) {
            return source.describe(region, firstPage, maxPages);
        }

        @Override
        public void read(int region, long firstPage, int count, ByteBuffer dst) {
            if (firstPage <= page && page < firstPage + count) {
                work.run();
            }
            source.read(region, firstPage, count, dst);
        }

        @Override
        public String description() {
            return source.description();
        }

        @Override
        public void close() {
            source.close();
        }
    }

    /** Runs one round of a session, with something done when a page is read. */
    private static CompletableFuture<Long> round(
            ServerConfig config, CompletableFuture<SourceSession> attached, Runnable work, Inspection then)
            throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(memory, SEED);
            Watched watched = new Watched(new LivePageSource(memory, "guest"), 50, work);
            try (PageServer server = PageServer.serveGuest(config, watched, true, new ServerListener() {
                        @Override
                        public void attached(SourceSession session) {
                            attached.complete(session);
                        }
                    });
                    Destination ignored = Destination.open(
                            DestinationConfig.from(server.endpoint()).withStreamAtOnce(false))) {
                SourceSession session = attached.get(10, TimeUnit.SECONDS);
                CompletableFuture<Long> round = session.stream().sendRound();
                then.of(session, round);
                return round;
            }
        }
    }

    /** What is so after a round, or how it ended. */
    private interface Inspection {
        void of(SourceSession session, CompletableFuture<Long> round) throws Exception;
    }

    @Test
    void pageThatIsWrittenToWhileItIsRead_isSentAgain() throws Exception {
        CompletableFuture<SourceSession> attached = new CompletableFuture<>();
        AtomicBoolean written = new AtomicBoolean();
        round(
                ServerConfig.at(Endpoint.parse("127.0.0.1:0")),
                attached,
                () -> {
                    if (written.compareAndSet(false, true)) {
                        attached.join().dirtied(0, 50, 1);
                    }
                },
                (session, round) -> {
                    long sent = round.get(10, TimeUnit.SECONDS);
                    sent += session.stream().sendRound().get(10, TimeUnit.SECONDS);
                    assertThat(sent).isEqualTo(PAGES + 1);
                });
    }

    @Test
    void pageThatCannotBeRead_endsTheRound_alsoWhenALimitHadToBeWaitedFor() throws Exception {
        ServerConfig config = ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withMaxBytesPerSecond(1_000_000);
        round(
                config,
                new CompletableFuture<>(),
                () -> {
                    throw new IllegalStateException("no such page");
                },
                (session, round) -> assertThat(round)
                        .failsWithin(Duration.ofSeconds(10))
                        .withThrowableThat()
                        .withMessageContaining("no such page"));
    }
}
