package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.source.LivePageSource;
import org.userload.source.PageEncoding;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.support.FakeSource;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** When a real source sends whole blocks to a real destination, and that memory is right in any case. */
@Timeout(60)
class BlocksOfASourceTest {
    private static final int BLOCK = 512;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(0, 3),
                    new RegionTable.Entry(1L << 30, BLOCK - 1),
                    new RegionTable.Entry(2L << 30, 5 * BLOCK + 7),
                    new RegionTable.Entry(3L << 30, BLOCK + 1),
                    new RegionTable.Entry(4L << 30, BLOCK)));

    private final GuestMemory origin = GuestMemory.present(TABLE);

    @BeforeEach
    void fill() {
        for (RegionTable.Entry entry : TABLE.entries()) {
            for (long at = 0; at < entry.pageCount() << 12; at += 8) {
                origin.putLong(entry.guestAddress() + at, FakeSource.wordAt(entry.guestAddress() + at));
            }
        }
    }

    @AfterEach
    void close() {
        origin.close();
    }

    private interface Before {
        void run(Destination destination) throws Exception;
    }

    private BlockCounts move(
            UnaryOperator<ServerConfig> server, UnaryOperator<DestinationConfig> destination, Before beforeStream)
            throws Exception {
        ServerConfig config = server.apply(ServerConfig.at(Endpoint.parse("127.0.0.1:0")));
        try (PageServer serving =
                        PageServer.serve(config, new LivePageSource(origin, "origin"), new ServerListener() {});
                Destination opened = Destination.open(destination.apply(DestinationConfig.from(serving.endpoint())
                        .withInterceptor(InterceptorChoice.USERFAULTFD)
                        .withStreamAtOnce(false)))) {
            beforeStream.run(opened);
            opened.startStream();
            DestinationStatistics statistics = opened.completion().get(30, TimeUnit.SECONDS);
            assertThat(statistics.pagesInPlace()).isEqualTo(TABLE.totalPages());
            GuestMemory memory = opened.memory();
            for (RegionTable.Entry entry : TABLE.entries()) {
                for (long at = 0; at < entry.pageCount() << 12; at += 8) {
                    long address = entry.guestAddress() + at;
                    if (memory.getLong(address) != origin.getLong(address)) {
                        throw new AssertionError("wrong word at guest address " + address);
                    }
                }
            }
            return statistics.blocks();
        }
    }

    private BlockCounts move(UnaryOperator<ServerConfig> server) throws Exception {
        return move(server, config -> config, destination -> {});
    }

    private static long came(BlockCounts blocks) {
        return blocks.moved() + blocks.copied();
    }

    @Test
    void withinAHost_everyWholeBlockOfARegionComesAsOne() throws Exception {
        BlockCounts blocks = move(config -> config);
        assertThat(blocks.moved()).isEqualTo(5 + 1 + 1);
        assertThat(blocks.copied()).isZero();
    }

    @Test
    void blockWithAPageThatWasAskedFor_comesInPieces_andTheNextAsOne() throws Exception {
        BlockCounts blocks = move(
                config -> config,
                config -> config,
                destination -> destination.memory().touch((2L << 30) + (700 << 12)));
        assertThat(blocks.moved()).isEqualTo(4 + 1 + 1);
    }

    @Test
    void blockWithZeroPages_comesInPieces() throws Exception {
        origin.fill((2L << 30) + (600 << 12), 3 << 12, (byte) 0);
        BlockCounts blocks = move(config -> config);
        assertThat(blocks.moved()).isEqualTo(4 + 1 + 1);
    }

    @Test
    void onASlowLink_thereAreNone() throws Exception {
        assertThat(came(move(config -> config.withLink(Link.parse("1gbit/200us")))))
                .isZero();
    }

    @Test
    void withACap_orCompressed_orInASmallWindow_thereAreNone() throws Exception {
        assertThat(came(move(config -> config.withMaxBytesPerSecond(1 << 30)))).isZero();
        assertThat(came(move(config -> config.withEncoding(new PageEncoding(Compression.LZ4, 0)))))
                .isZero();
        assertThat(came(move(config -> config, config -> config.withWindowPages(2 * BLOCK - 1), destination -> {})))
                .isZero();
    }

    @Test
    void toWhoDoesNotTakeThem_noneAreSent() throws Exception {
        assertThat(came(move(config -> config, config -> config.withHugePages(false), destination -> {})))
                .isZero();
        assertThat(came(move(
                        config -> config,
                        config -> config.withInterceptor(InterceptorChoice.SOFTWARE),
                        destination -> {})))
                .isZero();
    }
}
