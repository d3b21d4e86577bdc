package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.ErrorCode;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.FakeSource;
import org.userload.support.Leaks;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.transport.Endpoint;

/**
 * Peers that break the protocol against a real page server. Each gets an ERROR frame or a closed connection, and a good
 * destination that was there before goes on and completes.
 */
@Timeout(60)
@Isolated("counts descriptors and threads of the process")
@SuppressWarnings({"NullAway.Init", "try"}) // JUnit sets the fields; sessions are closed in the middle on purpose
class HostileDestinationTest {
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 1500), new RegionTable.Entry(1L << 40, 50)));
    private static final Duration HELLO_TIMEOUT = Duration.ofMillis(400);

    private final GuestMemory origin = GuestMemory.present(TABLE);
    private final LinkedBlockingQueue<String> ended = new LinkedBlockingQueue<>();
    private Leaks before;
    private PageServer server;
    private Destination good;

    @BeforeEach
    void serve() throws Exception {
        warmUp();
        before = Leaks.snapshot();
        for (RegionTable.Entry entry : TABLE.entries()) {
            for (long offset = 0; offset < entry.pageCount() << 12; offset += 8) {
                origin.putLong(entry.guestAddress() + offset, FakeSource.wordAt(entry.guestAddress() + offset));
            }
        }
        server = PageServer.serve(
                Endpoint.parse("127.0.0.1:0"),
                new LivePageSource(origin, "guest"),
                HELLO_TIMEOUT,
                new ServerListener() {
                    @Override
                    public void ended(SourceSession session, @Nullable Throwable problem) {
                        ended.add(problem == null ? "complete" : String.valueOf(problem.getMessage()));
                    }
                });
        good = open();
        assertThat(good.memory().getLong(0)).isEqualTo(FakeSource.wordAt(0));
    }

    /** What the library loads once and keeps, a resolver's descriptors for example, is no leak. */
    private void warmUp() throws Exception {
        try (PageServer first = PageServer.serve(
                        Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {});
                Destination destination = Destination.open(DestinationConfig.from(first.endpoint()))) {
            destination.completion().get(20, TimeUnit.SECONDS);
        }
    }

    private Destination open() throws IOException {
        return Destination.open(DestinationConfig.from(server.endpoint())
                .withInterceptor(InterceptorChoice.USERFAULTFD)
                .withStreamAtOnce(false));
    }

    @AfterEach
    void goodDestinationCompletes_andNothingIsLeft() throws Exception {
        complete(good);
        try (Destination another = open()) {
            complete(another);
        }
        good.close();
        server.close();
        origin.close();
        before.assertNothingNew();
    }

    private static void complete(Destination destination) throws Exception {
        GuestMemory memory = destination.memory();
        assertThat(memory.getLong(1L << 40)).isEqualTo(FakeSource.wordAt(1L << 40));
        destination.startStream();
        destination.completion().get(20, TimeUnit.SECONDS);
        for (long page = 0; page < 1500; page++) {
            assertThat(memory.getLong((page << 12) + 8)).isEqualTo(FakeSource.wordAt((page << 12) + 8));
        }
    }

    private RawPeer stranger() throws IOException {
        return RawPeer.connect(server.endpoint());
    }

    /** The connections of a session of its own. */
    private final class Session implements AutoCloseable {
        final RawPeer control = RawPeer.greet(server.endpoint(), Role.CONTROL, SessionId.NONE);
        final SessionId id = control.read().hello().session();
        final List<RawPeer> all = new ArrayList<>(List.of(control));

        Session() throws IOException {}

        RawPeer join(Role role) throws IOException {
            RawPeer peer = RawPeer.greet(server.endpoint(), role, id);
            all.add(peer);
            assertThat(peer.read().hello().role()).isEqualTo(role);
            return peer;
        }

        @Override
        public void close() throws IOException {
            for (RawPeer peer : all) {
                peer.close();
            }
        }
    }

    private static void assertError(@Nullable Frame error, ErrorCode code, String text) {
        if (error == null) {
            throw new AssertionError("no ERROR frame that says: " + text);
        }
        assertThat(error.errorText()).contains(text);
        assertThat(error.errorCode()).isEqualTo(code.code());
    }

    @Test
    void httpRequest_isRefused() throws Exception {
        try (RawPeer peer = stranger()) {
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertError(peer.awaitEnd(), ErrorCode.PROTOCOL, "unknown type 71");
        }
    }

    @Test
    void randomBytes_endTheirOwnConnections() throws Exception {
        SplittableRandom random = Seeds.random("HostileDestinationTest");
        for (int i = 0; i < 60; i++) {
            try (RawPeer peer = stranger()) {
                byte[] bytes = new byte[24 + random.nextInt(5000)];
                random.nextBytes(bytes);
                bytes[0] = (byte) (i % 2 == 0 ? FrameType.HELLO.code() : random.nextInt());
                peer.send(bytes);
                peer.awaitEnd();
            } catch (java.net.SocketException e) {
                // Closed while the test was still writing.
            }
        }
    }

    @Test
    void anotherVersion_isToldSo() throws Exception {
        try (RawPeer peer = stranger()) {
            peer.send(new Hello(7, Role.CONTROL, PageSize.DEFAULT, 0, SessionId.NONE, null));
            assertError(peer.awaitEnd(), ErrorCode.VERSION, "speaks version 7");
        }
    }

    @Test
    void anotherPageSize_isRefused() throws Exception {
        try (RawPeer peer = stranger()) {
            peer.send(new Hello(Hello.VERSION, Role.CONTROL, new PageSize(8192), 0, SessionId.NONE, null));
            assertError(peer.awaitEnd(), ErrorCode.PROTOCOL, "pages are 4096 bytes here, not 8192");
        }
    }

    @Test
    void silence_endsAfterTheHelloTimeout() throws Exception {
        try (RawPeer silent = stranger();
                RawPeer slow = stranger()) {
            slow.send(new byte[] {1, 0, 0});
            assertError(silent.awaitEnd(), ErrorCode.PROTOCOL, "no hello within 400 ms");
            assertError(slow.awaitEnd(), ErrorCode.PROTOCOL, "no hello within 400 ms");
        }
    }

    @Test
    void frameBeforeTheHello_isRefused() throws Exception {
        try (RawPeer peer = stranger()) {
            peer.send(FrameType.REQUEST, 0, 0, 1);
            assertError(peer.awaitEnd(), ErrorCode.PROTOCOL, "does not speak the Userload protocol");
        }
    }

    @Test
    void frameRightBehindTheHello_isRefused_andTheRoleIsNotKept() throws Exception {
        try (Session session = new Session();
                RawPeer hasty = stranger()) {
            byte[] hello = RawPeer.bytes(Hello.ask(Role.SYNC, session.id));
            byte[] request = RawPeer.frame(FrameType.REQUEST.code(), 0, 0, 0, 0, 1, 1, new byte[0]);
            byte[] both = java.util.Arrays.copyOf(hello, hello.length + request.length);
            System.arraycopy(request, 0, both, hello.length, request.length);
            hasty.send(both);
            assertError(hasty.awaitEnd(), ErrorCode.PROTOCOL, "before the answer to the hello");
        }
    }

    @Test
    void unknownSession_isRefused_forEveryRole() throws Exception {
        for (Role role : Role.values()) {
            try (RawPeer peer = RawPeer.greet(server.endpoint(), role, new SessionId(1, 2))) {
                assertError(peer.awaitEnd(), ErrorCode.UNKNOWN_SESSION, "no session 0000000000000001");
            }
        }
        try (RawPeer peer = RawPeer.greet(server.endpoint(), Role.SYNC, SessionId.NONE)) {
            assertError(peer.awaitEnd(), ErrorCode.UNKNOWN_SESSION, "no session");
        }
    }

    @Test
    void roleTakenTwice_isRefused_andTheFirstGoesOn() throws Exception {
        try (Session session = new Session()) {
            RawPeer first = session.join(Role.SYNC);
            try (RawPeer second = RawPeer.greet(server.endpoint(), Role.SYNC, session.id)) {
                assertError(second.awaitEnd(), ErrorCode.ROLE_TAKEN, "SYNC");
            }
            first.send(FrameType.REQUEST, 0, 3, 1);
            Frame answer = first.read();
            assertThat(answer.is(FrameType.PAGES)).isTrue();
            assertThat(answer.firstPage()).isEqualTo(3);
        }
    }

    @Test
    void requestsOutOfRange_areRefused_andEndTheirSession() throws Exception {
        long[][] requests = {
            {0, 1500, 1}, {0, 1499, 2}, {0, -1, 1}, {0, Long.MAX_VALUE, 1}, {0, Long.MIN_VALUE, 64}, {2, 0, 1},
            {65535, 0, 1}, {1, 50, 1}, {0, 0, 0}, {0, 0, 65}, {0, 0, 1 << 20}, {0, 0, -1}
        };
        for (long[] request : requests) {
            try (Session session = new Session()) {
                RawPeer sync = session.join(Role.SYNC);
                sync.send(FrameType.REQUEST, (int) request[0], request[1], (int) request[2]);
                Frame error = sync.awaitEnd();
                assertError(error, ErrorCode.PROTOCOL, "REQUEST frame");
                session.control.awaitEnd();
                assertThat(ended.poll(10, TimeUnit.SECONDS)).contains("REQUEST frame");
            }
        }
    }

    @Test
    void framesOfTheWrongRoleOrDirection_areRefused() throws Exception {
        for (Role role : List.of(Role.CONTROL, Role.SYNC, Role.STREAM)) {
            for (FrameType type :
                    new FrameType[] {FrameType.PAGES, FrameType.ZERO, FrameType.HELLO, FrameType.PREPARE}) {
                try (Session session = new Session()) {
                    RawPeer peer = role == Role.CONTROL ? session.control : session.join(role);
                    byte[] body = type == FrameType.PAGES ? new byte[4096] : new byte[0];
                    peer.send(type, 0, 0, 1, 0, body);
                    Frame error = peer.awaitEnd();
                    assertError(error, ErrorCode.PROTOCOL, type + " frame");
                }
            }
        }
    }

    @Test
    void acknowledgementsThatWereNotEarned_areRefused() throws Exception {
        try (Session session = new Session()) {
            RawPeer stream = session.join(Role.STREAM);
            stream.send(FrameType.ACK, 0, 0, 1);
            assertError(stream.awaitEnd(), ErrorCode.PROTOCOL, "ACK frame for 1 pages");
        }
    }

    @Test
    void windowsThatMakeNoSense_areRefused() throws Exception {
        try (Session session = new Session()) {
            RawPeer stream = session.join(Role.STREAM);
            stream.send(FrameType.START, 0, 0, 0);
            assertError(stream.awaitEnd(), ErrorCode.PROTOCOL, "window of 0 pages");
        }
        try (Session session = new Session()) {
            RawPeer stream = session.join(Role.STREAM);
            stream.send(FrameType.START, 0, 0, 16);
            stream.send(FrameType.START, 0, 0, 16);
            assertError(stream.awaitEnd(), ErrorCode.PROTOCOL, "started already");
        }
    }

    @Test
    void streamThatIsNotAcknowledged_stops_withinItsWindow_andGoesOnWhenItIs() throws Exception {
        try (Session session = new Session()) {
            RawPeer stream = session.join(Role.STREAM);
            stream.send(FrameType.START, 0, 0, 32);
            stream.socket().setSoTimeout(500);
            for (int round = 0; round < 4; round++) {
                List<RawPeer.Frame> content = new ArrayList<>();
                try {
                    while (true) {
                        RawPeer.Frame frame = stream.read();
                        if (frame.is(FrameType.PAGES)) {
                            content.add(frame);
                        }
                    }
                } catch (java.net.SocketTimeoutException e) {
                    assertThat(content.stream().mapToLong(RawPeer.Frame::count).sum())
                            .isBetween(1L, 32L);
                }
                for (RawPeer.Frame frame : content) {
                    stream.send(FrameType.ACK, 0, frame.firstPage(), (int) frame.count());
                }
            }
        }
    }

    @Test
    void peerThatAsksForEverythingAndReadsNothing_isCutOff() throws Exception {
        try (Session session = new Session()) {
            RawPeer sync = session.join(Role.SYNC);
            byte[] request = RawPeer.frame(FrameType.REQUEST.code(), 0, 0, 0, 0, 64, 1, new byte[0]);
            byte[] many = new byte[request.length * 2000];
            for (int i = 0; i < 2000; i++) {
                System.arraycopy(request, 0, many, i * request.length, request.length);
            }
            java.util.concurrent.FutureTask<String> flood = org.userload.support.Threads.start(() -> {
                try {
                    for (int i = 0; i < 20; i++) {
                        sync.send(many);
                    }
                    return "all sent";
                } catch (IOException e) {
                    return "cut off";
                }
            });
            String problem = ended.poll(20, TimeUnit.SECONDS);
            assertThat(problem).contains("answers are not read");
            assertThat(io.netty.util.internal.PlatformDependent.usedDirectMemory())
                    .isLessThan(512L << 20);
            session.close();
            org.userload.support.Threads.join(flood, 20);
        }
    }

    @Test
    void halfClosedConnection_endsItsSession() throws Exception {
        try (Session session = new Session()) {
            RawPeer sync = session.join(Role.SYNC);
            sync.socket().shutdownOutput();
            sync.awaitEnd();
            session.control.awaitEnd();
            assertThat(ended.poll(10, TimeUnit.SECONDS)).contains("closed its sync connection early");
        }
        try (RawPeer peer = stranger()) {
            peer.socket().shutdownOutput();
            peer.awaitEnd();
        }
    }

    @Test
    void someHundredConnections_thatSayNothingOrStop_doNoHarm() throws Exception {
        List<Socket> flood = new ArrayList<>();
        Endpoint.Tcp tcp = (Endpoint.Tcp) server.endpoint();
        byte[] hello = RawPeer.bytes(Hello.ask(Role.CONTROL, SessionId.NONE));
        for (int i = 0; i < 400; i++) {
            Socket socket = new Socket(tcp.host(), tcp.port());
            flood.add(socket);
            if (i % 4 == 1) {
                socket.getOutputStream().write(hello);
            } else if (i % 4 == 2) {
                socket.getOutputStream().write(hello, 0, 30);
            } else if (i % 4 == 3) {
                socket.close();
            }
        }
        assertThat(good.memory().getLong(700 << 12)).isEqualTo(FakeSource.wordAt(700 << 12));
        for (Socket socket : flood) {
            socket.close();
        }
    }

    @Test
    void requestBeforeTheGuestIsReleased_isRefused() throws Exception {
        try (PageServer unreleased = PageServer.serveGuest(
                        ServerConfig.at(Endpoint.parse("127.0.0.1:0")),
                        new LivePageSource(origin, "guest"),
                        false,
                        new ServerListener() {});
                RawPeer control = RawPeer.greet(unreleased.endpoint(), Role.CONTROL, SessionId.NONE)) {
            SessionId id = control.read().hello().session();
            try (RawPeer sync = RawPeer.greet(unreleased.endpoint(), Role.SYNC, id)) {
                sync.read();
                sync.send(FrameType.REQUEST, 0, 0, 1);
                assertError(sync.awaitEnd(), ErrorCode.NOT_HANDED_OVER, "once the guest is paused");
            }
            control.awaitEnd();
        }
    }

    @Test
    void sessionThatTheSourceEnds_isReportedOnce_andForgotten() throws Exception {
        LinkedBlockingQueue<SourceSession> attached = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<SourceSession> gone = new LinkedBlockingQueue<>();
        try (PageServer other = PageServer.serve(
                        Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {
                            @Override
                            public void attached(SourceSession session) {
                                attached.add(session);
                            }

                            @Override
                            public void ended(SourceSession session, @Nullable Throwable problem) {
                                gone.add(session);
                            }
                        });
                Destination destination = Destination.open(
                        DestinationConfig.from(other.endpoint()).withStreamAtOnce(false))) {
            SourceSession session = attached.poll(10, TimeUnit.SECONDS);
            assertThat(session).isNotNull();
            session.close();
            assertThat(gone.poll(10, TimeUnit.SECONDS)).isSameAs(session);
            assertThat(destination.completion()).failsWithin(Duration.ofSeconds(5));
            assertThat(gone.poll(200, TimeUnit.MILLISECONDS)).isNull();
        }
    }
}
