package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.Patterns;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** Connections of role FAULT against a real page server: they serve as sync does, and come and go as they like. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // JUnit sets the fields
class FaultConnectionsTest {
    private static final int PAGES = 200;
    private static final long SEED = 7;

    private final GuestMemory origin = GuestMemory.present(RegionTable.single(PAGES));
    private final LinkedBlockingQueue<String> ended = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<SourceSession> attached = new LinkedBlockingQueue<>();
    private final List<RawPeer> peers = new ArrayList<>();
    private PageServer server;
    private SessionId session;

    @BeforeEach
    void serve() throws Exception {
        Patterns.fill(origin, SEED);
        server = PageServer.serve(
                Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {
                    @Override
                    public void attached(SourceSession opened) {
                        attached.add(opened);
                    }

                    @Override
                    public void ended(SourceSession over, @Nullable Throwable problem) {
                        ended.add(problem == null ? "complete" : String.valueOf(problem.getMessage()));
                    }
                });
        session = join(Role.CONTROL, SessionId.NONE).session();
    }

    @AfterEach
    void close() throws IOException {
        for (RawPeer peer : peers) {
            peer.close();
        }
        server.close();
        origin.close();
    }

    private RawPeer greet(Role role, SessionId id) throws IOException {
        RawPeer peer = RawPeer.greet(server.endpoint(), role, id);
        peers.add(peer);
        return peer;
    }

    private Hello join(Role role, SessionId id) throws IOException {
        Hello answer = greet(role, id).read().hello();
        assertThat(answer.role()).isEqualTo(role);
        return answer;
    }

    private SourceSession joinOthers() throws Exception {
        join(Role.SYNC, session);
        join(Role.STREAM, session);
        SourceSession opened = attached.poll(10, TimeUnit.SECONDS);
        assertThat(opened).isNotNull();
        return opened;
    }

    private RawPeer fault() throws IOException {
        RawPeer peer = greet(Role.FAULT, session);
        assertThat(peer.read().hello().role()).isEqualTo(Role.FAULT);
        return peer;
    }

    private static void assertServes(RawPeer peer, int page, int id) throws IOException {
        peer.send(FrameType.REQUEST, 0, page, 1, id, new byte[0]);
        Frame answer = peer.read();
        long expected = Patterns.wordAt(((long) page << 12) + 8, SEED);
        assertThat(answer.firstPage()).isEqualTo(page);
        assertThat(answer.id()).isEqualTo(id);
        if (expected == 0) {
            assertThat(answer.is(FrameType.ZERO)).isTrue();
        } else {
            assertThat(answer.is(FrameType.PAGES)).isTrue();
            assertThat(Long.reverseBytes(answer.body().getLong(8))).isEqualTo(expected);
        }
    }

    private static void assertRefused(RawPeer peer, ErrorCode code, String text) throws IOException {
        Frame error = peer.awaitEnd();
        assertThat(error).isNotNull();
        assertThat(error.errorCode()).isEqualTo(code.code());
        assertThat(error.errorText()).contains(text);
    }

    @Test
    void everyFaultConnection_answersItsOwnRequests() throws Exception {
        joinOthers();
        RawPeer first = fault();
        RawPeer second = fault();
        for (int page = 0; page < 50; page++) {
            assertServes(page % 2 == 0 ? first : second, page, 1000 + page);
        }
        assertServes(first, 3, 5);
        assertServes(second, 3, 6);
    }

    @Test
    void feature_isAnsweredWhenItIsOffered() throws Exception {
        joinOthers();
        assertThat(Feature.FAULTS.in(join(Role.FAULT, session).features())).isTrue();
    }

    @Test
    void beforeTheOtherThree_itIsRefused_andTheSessionGoesOn() throws Exception {
        assertRefused(greet(Role.FAULT, session), ErrorCode.PROTOCOL, "control, sync and stream connections before");
        join(Role.SYNC, session);
        assertRefused(greet(Role.FAULT, session), ErrorCode.PROTOCOL, "control, sync and stream connections before");
        join(Role.STREAM, session);
        assertServes(fault(), 9, 1);
    }

    @Test
    void moreThanTheMost_areRefused_untilOneIsGone() throws Exception {
        SourceSession opened = joinOthers();
        List<RawPeer> all = new ArrayList<>();
        for (int i = 0; i < Role.MAX_FAULT_CONNECTIONS; i++) {
            all.add(fault());
        }
        assertRefused(greet(Role.FAULT, session), ErrorCode.ROLE_TAKEN, "256 connections for faults");
        assertServes(all.get(255), 1, 1);
        all.get(0).close();
        Threads.await("the end of one", 10, () -> opened.faultConnections() == Role.MAX_FAULT_CONNECTIONS - 1);
        assertServes(fault(), 2, 2);
    }

    @Test
    void lossAndErrors_endNothingButThemselves() throws Exception {
        SourceSession opened = joinOthers();
        RawPeer stays = fault();
        fault().close();
        RawPeer wrong = fault();
        wrong.send(FrameType.REQUEST, 0, PAGES, 1);
        assertRefused(wrong, ErrorCode.PROTOCOL, "REQUEST frame for 1 pages from page 200");
        RawPeer garbage = fault();
        garbage.send(FrameType.ACK, 0, 0, 1);
        assertRefused(garbage, ErrorCode.PROTOCOL, "ACK frame");
        Threads.await("the ends", 10, () -> opened.faultConnections() == 1);
        assertServes(stays, 11, 1);
        assertServes(fault(), 12, 1);
        assertThat(ended).isEmpty();
    }

    @Test
    void endOfTheSession_endsThem_withItsReason() throws Exception {
        joinOthers();
        RawPeer peer = fault();
        peers.get(1).send(FrameType.REQUEST, 5, 0, 1);
        assertRefused(peer, ErrorCode.PROTOCOL, "region 5");
        assertThat(ended.poll(10, TimeUnit.SECONDS)).contains("region 5");
        assertRefused(greet(Role.FAULT, session), ErrorCode.UNKNOWN_SESSION, "no session");
    }
}
