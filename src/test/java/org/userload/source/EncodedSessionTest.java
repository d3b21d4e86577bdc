package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.pack.PageUnpacker;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.transport.Endpoint;

/** What a compressing source sends to destinations that can read it, and to those that cannot. */
@Timeout(60)
class EncodedSessionTest {
    private static final int PAGES = 300;

    /** Pages of text, pages of noise, and zero pages, in runs. */
    /** Runs of zeros, noise and text at random; first one of each of the last two that is longer than a frame. */
    private static GuestMemory content(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
        byte[] page = new byte[4096];
        for (int at = 0; at < PAGES; ) {
            int kind = at < 80 ? 1 + at / 40 : random.nextInt(3);
            int end = at < 80 ? at + 40 : Math.min(PAGES, at + 1 + random.nextInt(40));
            for (; at < end; at++) {
                for (int i = 0; i < page.length; i++) {
                    page[i] = (byte) (kind == 0 ? 0 : kind == 1 ? random.nextInt() : "a page of text ".charAt(i % 15));
                }
                memory.put((long) at << 12, page, 0, page.length);
            }
        }
        return memory;
    }

    private static final class Served implements AutoCloseable {
        final GuestMemory origin;
        final CompletableFuture<SourceSession> attached = new CompletableFuture<>();
        final PageServer server;

        Served(GuestMemory origin, Compression compression) throws IOException {
            this.origin = origin;
            ServerListener listener = new ServerListener() {
                @Override
                public void attached(SourceSession session) {
                    attached.complete(session);
                }
            };
            this.server = PageServer.serve(
                    ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withEncoding(new PageEncoding(compression, 1 << 20)),
                    new LivePageSource(origin, "guest"),
                    listener);
        }

        EncodingStatistics statistics() throws Exception {
            return attached.get(20, TimeUnit.SECONDS).encodingStatistics();
        }

        @Override
        public void close() {
            server.close();
            origin.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void memory_arrivesAsItIs(Compression compression) throws Exception {
        try (Served served = new Served(content(Seeds.of("EncodedSessionTest")), compression);
                Destination destination = Destination.open(DestinationConfig.from(served.server.endpoint()))) {
            destination.completion().get(20, TimeUnit.SECONDS);
            for (long at = 0; at < (long) PAGES << 12; at += Long.BYTES) {
                if (destination.memory().getLong(at) != served.origin.getLong(at)) {
                    throw new AssertionError("page " + (at >>> 12) + " differs");
                }
            }
            EncodingStatistics statistics = served.statistics();
            assertThat(statistics.compression()).isEqualTo(compression);
            assertThat(statistics.bytesIn()).isEqualTo((statistics.pagesPacked() + statistics.pagesRaw()) << 12);
            assertThat(statistics.deltaCacheBytes()).isZero();
            if (compression == Compression.NONE) {
                assertThat(statistics.pagesPacked()).isZero();
                assertThat(statistics.bytesOut()).isEqualTo(statistics.bytesIn());
            } else {
                assertThat(statistics.pagesPacked()).isPositive();
                assertThat(statistics.pagesRaw()).isPositive();
                assertThat(statistics.bytesOut()).isLessThan(statistics.bytesIn());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void noise_goesAsItIs(Compression compression) throws Exception {
        SplittableRandom random = Seeds.random("EncodedSessionTest noise");
        GuestMemory noise = GuestMemory.present(RegionTable.single(PAGES));
        for (long at = 0; at < (long) PAGES << 12; at += Long.BYTES) {
            noise.putLong(at, random.nextLong());
        }
        try (Served served = new Served(noise, compression);
                Destination destination = Destination.open(DestinationConfig.from(served.server.endpoint()))) {
            destination.completion().get(20, TimeUnit.SECONDS);
            EncodingStatistics statistics = served.statistics();
            assertThat(statistics.pagesPacked()).isZero();
            assertThat(statistics.pagesRaw()).isEqualTo(PAGES);
        }
    }

    /** A session in the hands of the test that offers these features. */
    private static List<RawPeer> join(Served served, long features) throws IOException {
        List<RawPeer> peers = new ArrayList<>();
        SessionId session = SessionId.NONE;
        for (Role role : List.of(Role.CONTROL, Role.SYNC, Role.STREAM, Role.FAULT)) {
            RawPeer peer = RawPeer.connect(served.server.endpoint());
            peers.add(peer);
            peer.send(new Hello(Hello.VERSION, role, PageSize.DEFAULT, features, session, null));
            Hello answer = peer.read().hello();
            session = answer.session();
            assertThat(answer.features())
                    .isEqualTo(features & Feature.bits(Feature.ZSTD, Feature.PREFER, Feature.FAULTS));
        }
        return peers;
    }

    private static void close(List<RawPeer> peers) throws IOException {
        for (RawPeer peer : peers) {
            peer.close();
        }
    }

    private static List<Frame> stream(RawPeer peer) throws IOException {
        peer.send(FrameType.START, 0, 0, 10_000);
        List<Frame> frames = new ArrayList<>();
        for (Frame next = peer.read(); !next.is(FrameType.END); next = peer.read()) {
            frames.add(next);
            if (!next.is(FrameType.ZERO)) {
                peer.send(FrameType.ACK, next.region(), next.firstPage(), (int) next.count());
            }
        }
        return frames;
    }

    @Test
    void destinationThatDoesNotOfferIt_isSentPagesAsTheyAre() throws Exception {
        for (long features : new long[] {0, Feature.bits(Feature.LZ4, Feature.DELTA)}) {
            try (Served served = new Served(content(1), Compression.ZSTD)) {
                List<RawPeer> peers = join(served, features);
                assertThat(stream(peers.get(2)))
                        .isNotEmpty()
                        .allMatch(frame -> frame.is(FrameType.PAGES) || frame.is(FrameType.ZERO));
                assertThat(served.statistics().compression()).isEqualTo(Compression.NONE);
                assertThat(served.statistics().pagesPacked()).isZero();
                assertThat(served.statistics().pagesRaw()).isPositive();
                close(peers);
            }
        }
    }

    @Test
    void destinationThatOffersIt_isSentPackedPages_ofExactlyTheirContent() throws Exception {
        try (Served served = new Served(content(2), Compression.ZSTD);
                PageUnpacker unpacker = Compression.ZSTD.newUnpacker()) {
            List<RawPeer> peers = join(served, Feature.ALL);
            List<Frame> frames = stream(peers.get(2));
            assertThat(frames).anyMatch(frame -> frame.is(FrameType.PACKED));
            for (Frame frame : frames) {
                if (frame.is(FrameType.PACKED)) {
                    assertPages(served, unpacker, frame);
                }
            }
            close(peers);
        }
    }

    private static void assertPages(Served served, PageUnpacker unpacker, Frame frame) {
        int bytes = (int) frame.count() << 12;
        int packed = frame.body().remaining();
        assertThat(packed).isLessThanOrEqualTo(bytes - bytes / 8);
        assertThat(frame.body().get(0)).isEqualTo((byte) Compression.ZSTD.code());
        ByteBuffer body = ByteBuffer.allocateDirect(packed).put(frame.body().duplicate());
        ByteBuffer pages = ByteBuffer.allocateDirect(bytes);
        unpacker.unpack(body, 1, packed - 1, pages, 0, bytes);
        for (int at = 0; at < bytes; at += Long.BYTES) {
            assertThat(Long.reverseBytes(pages.getLong(at)))
                    .isEqualTo(served.origin.getLong((frame.firstPage() << 12) + at));
        }
    }

    @Test
    void answer_isPackedFromFourPagesOn() throws Exception {
        GuestMemory text = GuestMemory.present(RegionTable.single(PAGES));
        for (long at = 0; at < (long) PAGES << 12; at += Long.BYTES) {
            text.putLong(at, at / 1000 + 1);
        }
        try (Served served = new Served(text, Compression.ZSTD)) {
            List<RawPeer> peers = join(served, Feature.ALL);
            RawPeer sync = peers.get(1);
            for (int count : new int[] {1, 3, 4, 64}) {
                sync.send(FrameType.REQUEST, 0, 10, count);
                Frame answer = sync.read();
                assertThat(answer.is(count < 4 ? FrameType.PAGES : FrameType.PACKED))
                        .isTrue();
                assertThat(answer.count()).isEqualTo(count);
            }
            close(peers);
        }
    }
}
