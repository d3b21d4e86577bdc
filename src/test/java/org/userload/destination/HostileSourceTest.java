package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
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
import org.userload.support.Threads;

/**
 * Sources that break the protocol or fall silent against a real destination: it fails with a clear message within its
 * deadline, every waiter wakes, and after closing nothing is left.
 */
@Timeout(60)
@Isolated("counts descriptors and threads of the process")
class HostileSourceTest {
    private static final Duration DEADLINE = Duration.ofMillis(800);
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 200), new RegionTable.Entry(1L << 40, 20)));

    private static DestinationConfig config(FakeSource source, InterceptorChoice choice, boolean streamAtOnce) {
        return DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withDeadline(DEADLINE)
                .withStreamAtOnce(streamAtOnce);
    }

    /** Opens, lets threads wait for pages, and expects the session to fail with this message. */
    private static void assertFails(FakeSource.Script script, boolean streamAtOnce, String message) throws Exception {
        for (InterceptorChoice choice :
                new InterceptorChoice[] {InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE}) {
            warmUp(choice);
            Leaks before = Leaks.snapshot();
            try (FakeSource source = new FakeSource(TABLE, script)) {
                long start = System.nanoTime();
                AtomicInteger page = new AtomicInteger(100);
                try (Destination destination = Destination.open(config(source, choice, streamAtOnce))) {
                    GuestMemory memory = destination.memory();
                    List<FutureTask<Long>> waiters =
                            Threads.start(3, () -> memory.getLong((long) page.getAndIncrement() << 12));
                    assertThat(destination.completion())
                            .failsWithin(Duration.ofSeconds(5))
                            .withThrowableThat()
                            .withCauseInstanceOf(SourceLostException.class)
                            .withMessageContaining(message);
                    for (FutureTask<Long> waiter : waiters) {
                        assertThat(Threads.failure(waiter, 5))
                                .isInstanceOf(PageUnavailableException.class)
                                .hasMessageContaining(message);
                    }
                    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE.multipliedBy(4));
                }
            }
            before.assertNothingNew();
        }
    }

    private static void warmUp(InterceptorChoice choice) throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = Destination.open(config(source, choice, false))) {
            assertThat(destination.memory().getLong(0)).isEqualTo(FakeSource.wordAt(0));
        }
    }

    /** Opening itself fails with this message, and leaves nothing. */
    private static void assertRefusesToOpen(FakeSource.Script script, String message) throws Exception {
        warmUp(InterceptorChoice.USERFAULTFD);
        Leaks before = Leaks.snapshot();
        try (FakeSource source = new FakeSource(TABLE, script)) {
            assertThatThrownBy(() -> Destination.open(config(source, InterceptorChoice.USERFAULTFD, true))
                            .close())
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining(message)
                    .hasMessageContaining(source.endpoint().toString());
        }
        before.assertNothingNew();
    }

    /** Answers the first request with these bytes. */
    private static FakeSource.Script answering(byte[] answer) {
        return new FakeSource.Script() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                peer.send(answer);
            }
        };
    }

    /** Answers START with these bytes. */
    private static FakeSource.Script streaming(byte[] answer) {
        return new FakeSource.Script() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) {
                // Waits for ever.
            }

            @Override
            protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws IOException {
                if (frame.is(FrameType.START)) {
                    peer.send(answer);
                }
            }
        };
    }

    private static byte[] frame(FrameType type, int region, long first, int count, int bodyLength) {
        return RawPeer.frame(type.code(), 0, region, bodyLength, first, count, 1, new byte[bodyLength]);
    }

    private static FakeSource.Script hello(HelloAnswer answer) {
        return new FakeSource.Script() {
            @Override
            protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
                return answer.to(asked, session);
            }
        };
    }

    private interface HelloAnswer {
        byte @Nullable [] to(Hello asked, SessionId session);
    }

    @Test
    void helloOfAnotherVersion_isRefused() throws Exception {
        assertRefusesToOpen(
                hello((asked, session) ->
                        RawPeer.bytes(new Hello(9, asked.role(), PageSize.DEFAULT, 0, session, TABLE))),
                "speaks version 9");
    }

    @Test
    void helloOfAnotherPageSize_isRefused() throws Exception {
        RegionTable large = new RegionTable(new PageSize(8192), List.of(new RegionTable.Entry(0, 100)));
        assertRefusesToOpen(
                hello((asked, session) -> RawPeer.bytes(Hello.answer(asked.role(), session, large))),
                "pages of 8192 bytes");
    }

    @Test
    void helloForAnotherRoleOrSessionOrWithoutRegions_isRefused() throws Exception {
        assertRefusesToOpen(
                hello((asked, session) -> RawPeer.bytes(Hello.answer(Role.STREAM, session, TABLE))),
                "hello for role STREAM as answer to role CONTROL");
        assertRefusesToOpen(
                hello((asked, session) -> RawPeer.bytes(Hello.ask(asked.role(), session))), "hello for role");
        assertRefusesToOpen(
                hello((asked, session) -> RawPeer.bytes(Hello.answer(asked.role(), SessionId.random(), TABLE))),
                "hello for session");
    }

    @Test
    void anotherProtocol_isRefused() throws Exception {
        assertRefusesToOpen(
                hello((asked, session) -> "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII)),
                "unknown type 72");
    }

    @Test
    void refusal_isPassedOn() throws Exception {
        byte[] text = "??the guest is elsewhere".getBytes(StandardCharsets.US_ASCII);
        text[0] = 0;
        text[1] = (byte) ErrorCode.UNKNOWN_SESSION.code();
        assertRefusesToOpen(
                hello((asked, session) -> RawPeer.frame(FrameType.ERROR.code(), 0, 0, text.length, 0, 0, 0, text)),
                "unknown session: the guest is elsewhere");
    }

    @Test
    void silenceInsteadOfAHello_endsAtTheDeadline() throws Exception {
        for (Role silent : List.of(Role.CONTROL, Role.SYNC, Role.STREAM)) {
            long start = System.nanoTime();
            assertRefusesToOpen(
                    hello((asked, session) ->
                            asked.role() == silent ? null : RawPeer.bytes(Hello.answer(asked.role(), session, TABLE))),
                    "did not answer the hello within 800 ms");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE.multipliedBy(5));
        }
    }

    @Test
    void connectionsClosedInsteadOfAHello_areAnError() throws Exception {
        for (Role closing : List.of(Role.CONTROL, Role.SYNC, Role.STREAM)) {
            assertRefusesToOpen(
                    new FakeSource.Script() {
                        @Override
                        protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
                            return asked.role() == closing ? null : super.answer(asked, session, table);
                        }

                        @Override
                        protected void opened(FakeSource source, Role role, RawPeer peer) throws IOException {
                            if (role == closing) {
                                peer.close();
                            }
                        }
                    },
                    "closed the connection");
        }
    }

    @Test
    void pageThatNobodyAskedFor_isRefused() throws Exception {
        assertFails(
                answering(frame(FrameType.PAGES, 0, 7, 1, 4096)), false, "page 7 of region 0 that was not asked for");
        assertFails(answering(frame(FrameType.ZERO, 0, 7, 1, 0)), false, "page 7 of region 0 that was not asked for");
    }

    @Test
    void answersOutsideTheMemory_areRefused() throws Exception {
        assertFails(answering(frame(FrameType.PAGES, 2, 0, 1, 4096)), false, "for region 2, but there are 2");
        assertFails(answering(frame(FrameType.PAGES, 0, 200, 1, 4096)), false, "which has 200 pages");
        assertFails(answering(frame(FrameType.ZERO, 0, -1, 1, 0)), false, "which has 200 pages");
    }

    @Test
    void answersOfTheWrongLength_areRefused() throws Exception {
        assertFails(answering(frame(FrameType.PAGES, 0, 100, 1, 8192)), false, "expected 4096");
        assertFails(answering(frame(FrameType.PAGES, 0, 100, 1, 0)), false, "expected 4096");
        assertFails(answering(frame(FrameType.ZERO, 0, 100, 1, 10)), false, "body of 10 bytes");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, 31, 255})
    void unknownFrames_areRefused(int type) throws Exception {
        assertFails(
                answering(RawPeer.frame(type, 0, 0, 0, 0, 0, 0, new byte[0])), false, "frame of unknown type " + type);
    }

    @ParameterizedTest
    @EnumSource(
            value = FrameType.class,
            names = {"REQUEST", "ACK", "START", "END", "COMPLETE", "PREPARE", "HELLO"})
    void framesThatDoNotBelongOnTheSyncConnection_areRefused(FrameType type) throws Exception {
        assertFails(answering(frame(type, 0, 0, 0, 0)), false, type + " frame on a sync connection");
    }

    @Test
    void streamOutsideTheMemory_isRefused() throws Exception {
        assertFails(streaming(frame(FrameType.PAGES, 0, 199, 2, 8192)), true, "which has 200 pages");
        assertFails(streaming(frame(FrameType.ZERO, 9, 0, 1, 0)), true, "for region 9, but there are 2");
        assertFails(streaming(frame(FrameType.PAGES, 1, 0, 3, 4096)), true, "expected 12288");
        assertFails(streaming(frame(FrameType.PREPARE, 0, 0, 0, 0)), true, "PREPARE frame on a stream connection");
    }

    @Test
    void streamThatBeginsUnasked_isRefused() throws Exception {
        FakeSource.Script hasty = new FakeSource.Script() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                source.peer(Role.STREAM).send(frame(FrameType.PAGES, 0, 0, 1, 4096));
            }
        };
        assertFails(hasty, false, "PAGES frame before the stream was started");
    }

    @Test
    void streamThatFallsSilent_failsAtTheDeadline() throws Exception {
        byte[] half = RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, 0, 1, 0, FakeSource.content(TABLE, 0, 0, 1));
        FakeSource.Script script = streaming(half);
        warmUp(InterceptorChoice.USERFAULTFD);
        Leaks before = Leaks.snapshot();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = Destination.open(config(source, InterceptorChoice.USERFAULTFD, true))) {
            assertThat(destination.completion())
                    .failsWithin(DEADLINE.multipliedBy(4))
                    .withThrowableThat()
                    .withMessageContaining("219 pages are missing");
            assertThat(destination.memory().getLong(8)).isEqualTo(FakeSource.wordAt(8));
        }
        before.assertNothingNew();
    }

    @Test
    void requestThatIsNeverAnswered_failsAtTheDeadline_andNamesItsPage() throws Exception {
        warmUp(InterceptorChoice.USERFAULTFD);
        try (FakeSource source = new FakeSource(TABLE, streaming(new byte[0]));
                Destination destination = Destination.open(config(source, InterceptorChoice.SOFTWARE, false))) {
            FutureTask<Long> waiter = Threads.start(() -> destination.memory().getLong((1L << 40) + (11 << 12)));
            assertThat(Threads.failure(waiter, 4))
                    .isInstanceOf(PageUnavailableException.class)
                    .hasMessageContaining("page 11 of region 1 was asked for");
        }
        assertFails(streaming(new byte[0]), false, "was asked for");
    }

    @Test
    void silenceWithoutAnythingAskedFor_isNoError() throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = Destination.open(config(source, InterceptorChoice.USERFAULTFD, false))) {
            Thread.sleep(DEADLINE.multipliedBy(2).toMillis());
            assertThat(destination.completion()).isNotDone();
            assertThat(destination.memory().getLong(0)).isEqualTo(FakeSource.wordAt(0));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Role.class,
            names = {"CONTROL", "SYNC", "STREAM"})
    void connectionLostInTheMiddle_isNamed(Role role) throws Exception {
        FakeSource.Script closing = new FakeSource.Script() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                source.peer(role).close();
            }
        };
        assertFails(closing, false, "is lost");
    }

    @Test
    void halfAPage_isNeverInstalled() throws Exception {
        byte[] page = FakeSource.content(TABLE, 0, 100, 1);
        byte[] cut =
                java.util.Arrays.copyOf(RawPeer.frame(FrameType.PAGES.code(), 0, 0, 4096, 100, 1, 1, page), 24 + 4000);
        FakeSource.Script script = new FakeSource.Script() {
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                peer.send(cut);
                peer.close();
            }
        };
        assertFails(script, false, "is lost");
    }

    @Test
    void memoryOfAClosedDestination_isGivenBack() throws Exception {
        long[] range = mappedRange();
        for (int i = 0; i < 500 && Leaks.isMapped(range[0], range[1]); i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(Leaks.isMapped(range[0], range[1])).isFalse();
    }

    private static long[] mappedRange() throws Exception {
        RegionTable table = RegionTable.single(54_321);
        try (FakeSource source = new FakeSource(table, new FakeSource.Script());
                Destination destination = Destination.open(config(source, InterceptorChoice.USERFAULTFD, false))) {
            assertThat(destination.memory().getLong(0)).isEqualTo(FakeSource.wordAt(0));
            long[] range = {
                destination.memory().region(0).hostAddress(),
                destination.memory().region(0).sizeBytes()
            };
            assertThat(Leaks.isMapped(range[0], range[1])).isTrue();
            return range;
        }
    }
}
