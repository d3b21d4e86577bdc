package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.support.Patterns;
import org.userload.support.RawPeer;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** Sessions over real sockets that behave like a slow link. */
@Timeout(60)
class LinkedSessionTest {
    private static final Link LINK = Link.parse("20mbit/4ms");
    private static final int PAGES = 256;

    private final GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES));
    private PageServer server;

    @BeforeEach
    void serve() throws Exception {
        Patterns.fill(origin, 5);
        server = PageServer.serve(
                ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withLink(LINK),
                new LivePageSource(origin, "origin"),
                new ServerListener() {});
    }

    @AfterEach
    void close() {
        server.close();
        origin.close();
    }

    @Test
    void memory_arrivesWhole_andNotFasterThanTheLinkCarriesIt() throws Exception {
        long start = System.nanoTime();
        try (Destination destination =
                Destination.open(DestinationConfig.from(server.endpoint()).withLink(LINK))) {
            assertThat(destination.memory().getLong((PAGES - 1) << 12))
                    .isEqualTo(Patterns.wordAt((PAGES - 1) << 12, 5));
            destination.completion().get(30, TimeUnit.SECONDS);
            long nanos = System.nanoTime() - start;
            assertThat(Patterns.firstDifference(destination.memory(), 5)).isEqualTo(-1);
            long content = origin.sizeBytes() / 4 * 3;
            assertThat(nanos).isGreaterThan(content * 1_000_000_000 / LINK.bytesPerSecond());
        }
    }

    @Test
    void reasonForAClose_arrivesInSpiteOfTheDelay() throws Exception {
        try (RawPeer stranger = RawPeer.greet(server.endpoint(), Role.SYNC, SessionId.random())) {
            assertThat(stranger.read().is(FrameType.ERROR)).isTrue();
        }
    }
}
