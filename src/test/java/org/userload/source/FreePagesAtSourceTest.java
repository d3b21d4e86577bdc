package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.hint.FreePages;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.transport.Endpoint;

/** What a source sends of free and of dropped pages, frame by frame, and what it takes of RELEASED frames. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // JUnit sets the fields
class FreePagesAtSourceTest {
    private static final int PAGES = 100;
    private static final long POISON = 0xFEED_FACE_CAFE_BEEFL;

    private final GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
    private final FreePages free = new FreePages(memory.table(), POISON);
    private final CompletableFuture<SourceSession> attached = new CompletableFuture<>();
    private final List<RawPeer> peers = new ArrayList<>();
    private @Nullable PageServer server;

    @BeforeEach
    void fill() {
        for (long page = 0; page < PAGES; page++) {
            memory.putLong(page << 12, page + 1);
        }
        free.watch();
    }

    @AfterEach
    void close() throws Exception {
        for (RawPeer peer : peers) {
            peer.close();
        }
        if (server != null) {
            server.close();
        }
        memory.close();
    }

    private RawPeer join(Role role, SessionId id, long features) throws Exception {
        RawPeer peer = RawPeer.connect(Objects.requireNonNull(server).endpoint());
        peers.add(peer);
        peer.send(new Hello(Hello.VERSION, role, PageSize.DEFAULT, features, id, null));
        return peer;
    }

    /** Opens a session; the peers are control, sync and stream. */
    private SourceSession open(boolean rounds, long features, long deltaBytes) throws Exception {
        ServerConfig config = ServerConfig.at(Endpoint.parse("127.0.0.1:0"))
                .withEncoding(new PageEncoding(Compression.NONE, deltaBytes));
        server = PageServer.serveGuest(config, new LivePageSource(memory, "guest"), rounds, free, new ServerListener() {
            @Override
            public void attached(SourceSession session) {
                attached.complete(session);
            }
        });
        Hello answer = join(Role.CONTROL, SessionId.NONE, features).read().hello();
        assertThat(Feature.FREE.in(answer.features())).isEqualTo(Feature.FREE.in(features));
        join(Role.SYNC, answer.session(), features).read();
        join(Role.STREAM, answer.session(), features).read();
        return attached.get(10, TimeUnit.SECONDS);
    }

    private RawPeer sync() {
        return peers.get(1);
    }

    private RawPeer stream() {
        return peers.get(2);
    }

    /** Frames up to MARK or END, as text; content is acknowledged. */
    private List<String> pass() throws Exception {
        List<String> frames = new ArrayList<>();
        while (true) {
            Frame frame = stream().read();
            if (frame.is(FrameType.MARK)) {
                stream().send(FrameType.MARKED, 0, 0, 0, frame.id(), new byte[0]);
                return frames;
            }
            if (frame.is(FrameType.END)) {
                return frames;
            }
            frames.add(text(frame));
            if (!frame.is(FrameType.FREE) && !frame.is(FrameType.ZERO)) {
                stream().send(FrameType.ACK, 0, frame.firstPage(), (int) frame.count());
            }
        }
    }

    /** A round's frames, once the source knows that they are in place. */
    private List<String> round(SourceSession session) throws Exception {
        CompletableFuture<Long> inPlace = session.stream().sendRound();
        List<String> frames = pass();
        inPlace.get(10, TimeUnit.SECONDS);
        return frames;
    }

    private static String text(Frame frame) {
        String what = List.of(FrameType.PAGES, FrameType.ZERO, FrameType.FREE, FrameType.DELTA).stream()
                .filter(frame::is)
                .findAny()
                .orElseThrow()
                .name();
        if (frame.is(FrameType.FREE)) {
            assertThat(frame.body().remaining()).isEqualTo(Long.BYTES);
            assertThat(frame.body().getLong(0)).isEqualTo(POISON);
        }
        return what + " " + frame.firstPage() + "+" + frame.count();
    }

    @Test
    void freePages_goAsRuns_withThePattern_andTakeNoRoom() throws Exception {
        SourceSession session = open(true, Feature.ALL, 0);
        free.hint(free.beginEpoch(), 10 << 12, 80);
        assertThat(session.unsentNeededPages()).isEqualTo(20);
        stream().send(FrameType.START, 0, 0, 10);
        List<String> frames = round(session);
        assertThat(frames).contains("FREE 10+80").allMatch(f -> f.startsWith("PAGES") || f.equals("FREE 10+80"));
        assertThat(session.freePages()).isEqualTo(80);
        assertThat(session.streamPages()).isEqualTo(20);
        assertThat(session.unsentPages()).isZero();
    }

    @Test
    void freePages_areOrdinaryPages_forADestinationThatDoesNotTakeThem() throws Exception {
        SourceSession session = open(true, Feature.bits(Feature.ROUNDS), 0);
        free.hint(free.beginEpoch(), 0, PAGES);
        assertThat(session.unsentNeededPages()).isEqualTo(PAGES);
        stream().send(FrameType.START, 0, 0, 1000);
        assertThat(round(session)).allMatch(f -> f.startsWith("PAGES"));
        session.release();
        sync().send(FrameType.REQUEST, 0, 7, 3);
        assertThat(text(sync().read())).isEqualTo("PAGES 7+3");
        stream().send(FrameType.RELEASED, 0, 0, 1);
        assertThat(Objects.requireNonNull(stream().awaitEnd()).errorText()).contains("not agreed on");
    }

    @Test
    void freePages_thatAreAskedFor_areAnsweredAsSuch() throws Exception {
        SourceSession session = open(false, Feature.ALL, 0);
        free.hint(free.beginEpoch(), 10 << 12, 5);
        free.dropped(0, 13, 3);
        session.release();
        sync().send(FrameType.REQUEST, 0, 8, 12, 77, new byte[0]);
        List<String> answers = new ArrayList<>();
        for (long page = 8; page < 20; ) {
            Frame frame = sync().read();
            assertThat(frame.id()).isEqualTo(77);
            assertThat(frame.firstPage()).isEqualTo(page);
            answers.add(text(frame));
            page += frame.count();
        }
        assertThat(answers).containsExactly("PAGES 8+2", "FREE 10+3", "ZERO 13+3", "PAGES 16+4");
        assertThat(session.freePages()).isEqualTo(3);
        assertThat(session.zeroPages()).isEqualTo(3);
        assertThat(session.demandPages()).isEqualTo(6);
    }

    @Test
    void pageThatIsUsedAgain_isSent_alsoWhenItWasSentAsFree() throws Exception {
        SourceSession session = open(true, Feature.ALL, 1 << 20);
        stream().send(FrameType.START, 0, 0, 1000);
        free.hint(free.beginEpoch(), 10 << 12, 3);
        assertThat(round(session)).contains("FREE 10+3");
        free.endEpoch();
        free.used(0, 11, 1);
        session.dirtied(0, 11, 1);
        assertThat(round(session)).as("there is no content for a delta to").containsExactly("PAGES 11+1");
    }

    /** A page that is in the delta cache, is sent as free, and is used again: the delta would be to what is not there. */
    @Test
    void pageThatWasSentAsFree_isNotInTheDeltaCacheAnyMore() throws Exception {
        SourceSession session = open(true, Feature.ALL, 1 << 20);
        stream().send(FrameType.START, 0, 0, 1000);
        round(session);
        memory.putLong(11 << 12, 5);
        session.dirtied(0, 11, 2);
        assertThat(round(session)).containsExactly("DELTA 11+2");
        session.dirtied(0, 11, 2);
        free.hint(free.beginEpoch(), 11 << 12, 1);
        assertThat(round(session)).containsExactly("FREE 11+1", "DELTA 12+1");
        free.endEpoch();
        free.used(0, 11, 1);
        session.dirtied(0, 11, 1);
        assertThat(round(session)).containsExactly("PAGES 11+1");
    }

    @Test
    void droppedPages_goAsZeros_withoutALook_andAgainWhenTheyHadBeenSent() throws Exception {
        SourceSession session = open(true, Feature.ALL, 0);
        stream().send(FrameType.START, 0, 0, 1000);
        round(session);
        free.dropped(0, 20, 30);
        session.dirtied(0, 20, 30);
        assertThat(session.unsentPages()).isEqualTo(30);
        assertThat(session.unsentNeededPages()).isZero();
        assertThat(round(session)).as("though their content is still there").containsExactly("ZERO 20+30");
    }

    @Test
    void pagesReleasedAtTheDestination_areNotSent() throws Exception {
        SourceSession session = open(false, Feature.ALL, 0);
        session.release();
        session.sendCommit(0, 0);
        stream().send(FrameType.START, 0, 0, 16);
        // The window is full then: pages from 16 on wait for acknowledgements.
        List<Frame> first = new ArrayList<>();
        long sent = 0;
        while (sent < 2) {
            Frame frame = stream().read();
            first.add(frame);
            sent += frame.count();
        }
        stream().send(FrameType.RELEASED, 0, 40, 60);
        for (Frame frame : first) {
            stream().send(FrameType.ACK, 0, frame.firstPage(), (int) frame.count());
        }
        List<String> rest = pass();
        assertThat(rest).noneMatch(f -> Long.parseLong(f.replaceAll(".* (\\d+)\\+.*", "$1")) >= 40);
        assertThat(session.releasedPages()).isEqualTo(60);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0", "0, 0, 101", "0, 100, 1", "1, 0, 1", "0, -1, 1"})
    void releasedPagesThatDoNotExist_endTheSession(int region, long first, int count) throws Exception {
        SourceSession session = open(false, Feature.ALL, 0);
        session.release();
        session.sendCommit(0, 0);
        stream().send(FrameType.START, 0, 0, 16);
        stream().send(FrameType.RELEASED, region, first, count);
        assertThat(Objects.requireNonNull(stream().awaitEnd()).errorText()).contains("RELEASED frame for");
    }

    /** In rounds it would take pages out that the guest here still needs. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void releasedBeforeTheHandover_endsTheSession(boolean rounds) throws Exception {
        SourceSession session = open(rounds, Feature.ALL, 0);
        if (rounds) {
            stream().send(FrameType.START, 0, 0, 16);
        }
        stream().send(FrameType.RELEASED, 0, 0, 1);
        assertThat(Objects.requireNonNull(stream().awaitEnd()).errorText())
                .contains("RELEASED frame before the guest runs");
        assertThat(session.unsentPages()).isEqualTo(PAGES);
    }
}
