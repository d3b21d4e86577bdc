package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.FakeSource;
import org.userload.support.Leaks;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Threads;

/** A destination in rounds: what is replaced, what is missing again, when all is in; and sources that break the rules. */
@Timeout(60)
@Isolated("counts descriptors and threads of the process")
class RoundsAtDestinationTest {
    private static final long FAR = 1L << 40;
    private static final RegionTable TABLE =
            new RegionTable(PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 40), new RegionTable.Entry(FAR, 20)));
    private static final int IN_ALL = 60;

    /** What catches faults. */
    enum Catching {
        USERFAULTFD(InterceptorChoice.USERFAULTFD, false),
        USERFAULTFD_WITH_REMOVALS(InterceptorChoice.USERFAULTFD, true),
        SOFTWARE(InterceptorChoice.SOFTWARE, false);

        final InterceptorChoice choice;
        final boolean removals;

        Catching(InterceptorChoice choice, boolean removals) {
            this.choice = choice;
            this.removals = removals;
        }
    }

    /** A source that says what the test says, and a destination of it. */
    private static final class Session implements AutoCloseable {
        final LinkedBlockingQueue<Frame> heard = new LinkedBlockingQueue<>();
        final FakeSource source;
        final Destination destination;
        final GuestMemory memory;
        final RawPeer stream;

        Session(Catching catching, boolean rounds) throws Exception {
            source = new FakeSource(TABLE, new FakeSource.Script() {
                @Override
                protected byte[] answer(Hello asked, SessionId session, RegionTable table) {
                    long features = rounds ? Feature.bits(Feature.ROUNDS) : 0;
                    return RawPeer.bytes(Hello.answer(asked.role(), session, features, table));
                }

                @Override
                protected void other(FakeSource from, Role role, RawPeer peer, Frame frame) throws Exception {
                    if (!frame.is(FrameType.ACK)) {
                        heard.add(frame);
                    }
                    super.other(from, role, peer, frame);
                }
            });
            destination = Destination.open(DestinationConfig.from(source.endpoint())
                    .withInterceptor(catching.choice)
                    .withTrackRemovals(catching.removals)
                    .withStreamAtOnce(false));
            if (!rounds) {
                destination.startStream();
            }
            assertThat(hear().is(FrameType.START)).isTrue();
            memory = destination.memory();
            stream = source.peer(Role.STREAM);
        }

        Frame hear() throws InterruptedException {
            Frame frame = heard.poll(20, TimeUnit.SECONDS);
            if (frame == null) {
                throw new AssertionError("the destination says nothing");
            }
            return frame;
        }

        void pages(int region, long first, int count, int fill) throws Exception {
            byte[] body = new byte[count << 12];
            Arrays.fill(body, (byte) fill);
            stream.send(FrameType.PAGES, region, first, count, 0, body);
        }

        void zero(int region, long first, int count) throws Exception {
            stream.send(FrameType.ZERO, region, first, count);
        }

        void discard(int region, long... runs) throws Exception {
            stream.send(FrameType.DISCARD, region, 0, runs.length / 2, 0, runsBody(runs));
        }

        void everything(int fill) throws Exception {
            pages(0, 0, 40, fill);
            pages(1, 0, 20, fill);
        }

        /** Everything sent so far is in place. */
        void settle(int id) throws Exception {
            stream.send(FrameType.MARK, 0, 0, 0, id, new byte[0]);
            Frame answer = hear();
            assertThat(answer.is(FrameType.MARKED)).isTrue();
            assertThat(answer.id()).isEqualTo(id);
        }

        void guestRuns() {
            destination.endRounds();
            destination.startStream();
        }

        DestinationStatistics complete() throws Exception {
            return destination.completion().get(20, TimeUnit.SECONDS);
        }

        void assertPage(long address, int fill) {
            byte[] page = new byte[4096];
            memory.get(address, page, 0, page.length);
            byte[] expected = new byte[4096];
            Arrays.fill(expected, (byte) fill);
            assertThat(page).as("page at 0x%x", address).isEqualTo(expected);
        }

        @Override
        public void close() throws Exception {
            destination.close();
            source.close();
        }
    }

    private static byte[] runsBody(long... runs) {
        ByteBuffer body = ByteBuffer.allocate(runs.length / 2 * 12);
        for (int i = 0; i < runs.length; i += 2) {
            body.putLong(runs[i]).putInt((int) runs[i + 1]);
        }
        return body.array();
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void whatComesLater_replacesWhatIsThere_untilTheGuestRuns(Catching catching) throws Exception {
        try (Session session = new Session(catching, true)) {
            session.pages(0, 0, 40, 1);
            session.zero(1, 0, 20);
            session.settle(1);
            session.zero(0, 3, 5);
            session.pages(1, 18, 2, 2);
            session.pages(0, 30, 4, 3);
            session.pages(1, 0, 1, 4);
            session.zero(1, 0, 1);
            session.settle(2);
            assertThat(session.destination.completion()).isNotDone();
            session.guestRuns();
            PageCounts pages = session.complete().pages();
            assertThat(pages.zero()).as("what they came as last").isEqualTo(23);
            assertThat(pages.precopy()).isEqualTo(IN_ALL - 23);
            for (int page = 0; page < 40; page++) {
                session.assertPage((long) page << 12, page >= 3 && page < 8 ? 0 : page >= 30 && page < 34 ? 3 : 1);
            }
            for (int page = 0; page < 20; page++) {
                session.assertPage(FAR + ((long) page << 12), page >= 18 ? 2 : 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void sessionIsNotComplete_beforeTheGuestRuns(Catching catching) throws Exception {
        try (Session session = new Session(catching, true)) {
            session.everything(1);
            session.settle(1);
            assertThat(session.destination.completion()).isNotDone();
            session.destination.endRounds();
            assertThat(session.destination.completion()).isNotDone();
            session.destination.startStream();
            session.complete();
            assertThat(session.hear().is(FrameType.COMPLETE)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void calledBackPages_areMissing_untilTheyComeAgain(Catching catching) throws Exception {
        try (Session session = new Session(catching, true)) {
            session.everything(1);
            session.discard(0, 5, 10, 39, 1);
            session.discard(1, 0, 20);
            session.discard(1, 0, 20);
            session.settle(1);
            session.guestRuns();
            assertThat(session.destination.completion()).isNotDone();
            session.assertPage(0, 1);
            FutureTask<Long> touch = Threads.start(() -> session.memory.getLong(FAR + (7 << 12)));
            assertThat(Threads.join(touch, 20)).as("asked for").isEqualTo(FakeSource.wordAt(FAR + (7 << 12)));
            assertThat(session.source.requestsFor(1, 7)).isEqualTo(1);
            assertThat(session.destination.completion()).isNotDone();
            session.pages(0, 5, 10, 2);
            session.zero(0, 39, 1);
            session.pages(1, 0, 20, 3);
            DestinationStatistics statistics = session.complete();
            session.assertPage(5 << 12, 2);
            session.assertPage(14 << 12, 2);
            session.assertPage(15 << 12, 1);
            session.assertPage(39 << 12, 0);
            session.assertPage(FAR, 3);
            assertThat(session.memory.getLong(FAR + (7 << 12))).isEqualTo(FakeSource.wordAt(FAR + (7 << 12)));
            assertThat(statistics.pages().precopy()).isEqualTo(IN_ALL - 31);
            assertThat(statistics.pages().demand()).isEqualTo(1);
            assertThat(statistics.pages().stream()).isEqualTo(29);
            assertThat(statistics.pages().zero()).isEqualTo(1);
            assertThat(statistics.pages().duplicate()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void pageOfTheRunningGuest_isNeverOverwritten(Catching catching) throws Exception {
        try (Session session = new Session(catching, true)) {
            session.everything(1);
            session.discard(1, 19, 1);
            session.settle(1);
            session.guestRuns();
            session.memory.putLong(8, 42);
            session.pages(0, 0, 2, 9);
            session.zero(0, 0, 40);
            session.pages(1, 19, 1, 2);
            assertThat(session.complete().pages().duplicate()).isEqualTo(42);
            assertThat(session.memory.getLong(8)).isEqualTo(42);
            assertThat(session.memory.getByte(0)).isEqualTo((byte) 1);
            session.assertPage(1 << 12, 1);
        }
    }

    /** The reader of remove events and the thread that calls back race for each page. */
    @ParameterizedTest
    @EnumSource(Catching.class)
    void calledBackPages_areNeverTakenForDroppedOnes(Catching catching) throws Exception {
        int times = 150;
        try (Session session = new Session(catching, true)) {
            session.everything(1);
            for (int i = 1; i <= times; i++) {
                for (int page = 0; page < 40; page += 2) {
                    session.discard(0, page, 1);
                }
                session.settle(i);
                if (i < times) {
                    session.pages(0, 0, 40, i);
                }
            }
            session.guestRuns();
            session.pages(0, 0, 40, 77);
            session.complete();
            for (int page = 0; page < 40; page++) {
                session.assertPage((long) page << 12, page % 2 == 0 ? 77 : (byte) (times - 1));
            }
        }
    }

    private static void assertFails(Session session, String message) {
        assertThat(session.destination.completion())
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .withCauseInstanceOf(SourceLostException.class)
                .withMessageContaining(message);
    }

    private static Stream<Arguments> wrongDiscards() {
        return Stream.of(
                Arguments.of(0, 1, runsBody(40, 1), "which has 40 pages"),
                Arguments.of(0, 1, runsBody(39, 2), "which has 40 pages"),
                Arguments.of(0, 2, runsBody(0, 1, 41, 1), "which has 40 pages"),
                Arguments.of(0, 1, runsBody(-1, 1), "from page -1"),
                Arguments.of(0, 1, runsBody(Long.MAX_VALUE, 1), "which has 40 pages"),
                Arguments.of(0, 1, runsBody(Long.MIN_VALUE, 40), "which has 40 pages"),
                Arguments.of(0, 1, runsBody(1, 0xFFFFFFFFL), "4294967295 pages"),
                Arguments.of(0, 1, runsBody(0, 0), "0 pages"),
                Arguments.of(2, 1, runsBody(0, 1), "region 2, but there are 2"),
                Arguments.of(0xFFFF, 1, runsBody(0, 1), "region 65535"),
                Arguments.of(0, 0, new byte[0], "0 runs"),
                Arguments.of(0, 2, runsBody(0, 1), "2 runs with 12 bytes"),
                Arguments.of(0, 1, runsBody(0, 1, 2, 1), "1 runs with 24 bytes"),
                Arguments.of(0, 1, new byte[11], "1 runs with 11 bytes"),
                Arguments.of(0, 4097, new byte[4097 * 12], "4097 runs"),
                Arguments.of(0, 1 << 21, new byte[12], "2097152"));
    }

    @ParameterizedTest
    @MethodSource("wrongDiscards")
    void wrongDiscard_endsTheSession_andLeavesNothing(int region, int runs, byte[] body, String message)
            throws Exception {
        new Session(Catching.USERFAULTFD, true).close();
        Leaks before = Leaks.snapshot();
        try (Session session = new Session(Catching.USERFAULTFD, true)) {
            session.everything(7);
            session.stream.send(FrameType.DISCARD, region, 0, runs, 0, body);
            assertFails(session, message);
            session.assertPage(0, 7);
        }
        before.assertNothingNew();
    }

    @ParameterizedTest
    @EnumSource(
            value = FrameType.class,
            names = {"MARK", "DISCARD"})
    void framesOfRounds_areRefused_whereThereAreNone(FrameType type) throws Exception {
        byte[] body = type == FrameType.DISCARD ? runsBody(0, 1) : new byte[0];
        try (Session session = new Session(Catching.USERFAULTFD, false)) {
            session.stream.send(type, 0, 0, 1, 1, body);
            assertFails(session, type + " frame, but the guest is not awaited");
        }
        try (Session session = new Session(Catching.SOFTWARE, true)) {
            session.pages(0, 0, 40, 1);
            session.settle(1);
            session.guestRuns();
            session.stream.send(type, 0, 0, 1, 1, body);
            assertFails(session, type + " frame, but the guest is not awaited");
            session.assertPage(0, 1);
        }
    }
}
