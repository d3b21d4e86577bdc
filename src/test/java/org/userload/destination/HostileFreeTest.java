package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.support.Leaks;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.StreamingSource;
import org.userload.support.Threads;

/** Sources that send wrong FREE frames: the session fails with a clear message, every waiter wakes, and nothing is left. */
@Timeout(60)
@Isolated("counts descriptors and threads of the process")
class HostileFreeTest {
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 200), new RegionTable.Entry(1L << 40, 20)));
    private static final byte[] ZERO = StreamingSource.word(0);

    private static Destination open(StreamingSource source, InterceptorChoice choice, boolean stream) throws Exception {
        Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withStreamAtOnce(false));
        if (stream) {
            destination.startStream();
            source.hear(FrameType.START);
        }
        return destination;
    }

    private static byte[] free(int region, long first, int count, byte[] body) {
        return RawPeer.frame(FrameType.FREE.code(), 0, region, body.length, first, count, 0, body);
    }

    /** A thread waits for a page; then the source sends these frames on a connection. */
    private static void assertFails(Role role, boolean started, String message, Feature[] features, byte[]... frames)
            throws Exception {
        for (InterceptorChoice choice : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            try (StreamingSource source = new StreamingSource(TABLE, false, features)) {
                open(source, choice, started).close();
            }
            Leaks before = Leaks.snapshot();
            try (StreamingSource source = new StreamingSource(TABLE, false, features);
                    Destination destination = open(source, choice, started)) {
                FutureTask<Long> waiter =
                        Threads.start(() -> destination.memory().getLong(150 << 12));
                Frame request = source.nextRequest();
                assertThat(request.firstPage()).isEqualTo(150);
                for (byte[] frame : frames) {
                    source.peer(role).send(frame);
                }
                assertThat(destination.completion())
                        .failsWithin(Duration.ofSeconds(10))
                        .withThrowableThat()
                        .withCauseInstanceOf(SourceLostException.class)
                        .withMessageContaining(message);
                assertThat(Threads.failure(waiter, 10))
                        .isInstanceOf(PageUnavailableException.class)
                        .hasMessageContaining(message);
            }
            before.assertNothingNew();
        }
    }

    private static Stream<Arguments> wrongFrames() {
        return Stream.of(
                Arguments.of(free(0, 200, 1, ZERO), "which has 200 pages"),
                Arguments.of(free(0, 199, 2, ZERO), "which has 200 pages"),
                Arguments.of(free(0, -1, 1, ZERO), "which has 200 pages"),
                Arguments.of(free(0, Long.MAX_VALUE, 1, ZERO), "which has 200 pages"),
                Arguments.of(free(0, 0, 0, ZERO), "0 pages"),
                Arguments.of(free(1, 0, 21, ZERO), "which has 20 pages"),
                Arguments.of(free(2, 0, 1, ZERO), "for region 2, but there are 2"),
                Arguments.of(free(0, 0, (1 << 20) + 1, ZERO), "1048577 pages"),
                Arguments.of(free(0, 0, 1, new byte[0]), "body of 0 bytes, expected 8"),
                Arguments.of(free(0, 0, 1, new byte[7]), "body of 7 bytes, expected 8"),
                Arguments.of(free(0, 0, 1, new byte[16]), "body of 16 bytes, expected 8"),
                Arguments.of(free(0, 0, 1, new byte[4096]), "body of 4096 bytes, expected 8"));
    }

    @ParameterizedTest
    @MethodSource("wrongFrames")
    void wrongFrameOnTheStream_isRefused(byte[] frame, String message) throws Exception {
        assertFails(Role.STREAM, true, message, new Feature[] {Feature.FREE}, frame);
    }

    @Test
    void frameThatWasNotAgreedOn_isRefused_onEitherConnection() throws Exception {
        String message = "FREE frame, which was not agreed on";
        assertFails(Role.STREAM, true, message, new Feature[0], free(0, 0, 1, ZERO));
        assertFails(Role.SYNC, true, message, new Feature[] {Feature.ZSTD}, free(0, 150, 1, ZERO));
    }

    @Test
    void frameBeforeStart_isRefused() throws Exception {
        assertFails(
                Role.STREAM,
                false,
                "FREE frame before the stream was started",
                new Feature[] {Feature.FREE},
                free(0, 0, 1, ZERO));
    }

    @Test
    void secondPattern_isRefused_onWhateverConnection() throws Exception {
        Feature[] features = {Feature.FREE};
        byte[] other = StreamingSource.word(0xABCD);
        String message = "free pages hold 0xabcd, after a FREE frame that said 0x0";
        assertFails(Role.STREAM, true, message, features, free(0, 0, 1, ZERO), free(0, 1, 1, other));
        message = "free pages hold 0x0, after a FREE frame that said 0xabcd";
        assertFails(Role.STREAM, true, message, features, free(0, 0, 1, other), free(0, 0, 1, ZERO));
    }

    @Test
    void answerThatNobodyAskedFor_isRefused() throws Exception {
        Feature[] features = {Feature.FREE};
        assertFails(Role.SYNC, true, "page 7 of region 0 that was not asked for", features, free(0, 7, 1, ZERO));
        assertFails(Role.SYNC, true, "at most 64 at once", features, free(0, 100, 65, ZERO));
        assertFails(Role.SYNC, true, "body of 7 bytes, expected 8", features, free(0, 150, 1, new byte[7]));
    }

    @Test
    void framesOnTheWrongConnection_areRefused() throws Exception {
        Feature[] features = {Feature.FREE};
        assertFails(Role.CONTROL, true, "FREE frame on a control connection", features, free(0, 0, 1, ZERO));
        byte[] released = RawPeer.frame(FrameType.RELEASED.code(), 0, 0, 0, 0, 1, 0, new byte[0]);
        assertFails(Role.STREAM, true, "RELEASED frame on a stream connection", features, released);
        assertFails(Role.SYNC, true, "RELEASED frame on a sync connection", features, released);
    }
}
