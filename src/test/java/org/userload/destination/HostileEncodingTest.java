package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.pack.PagePacker;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Threads;

/** Packed pages and deltas that are wrong, or were never agreed on: an error that names them, and nothing is installed. */
@Timeout(60)
class HostileEncodingTest {
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 200), new RegionTable.Entry(1L << 40, 600)));
    private static final long ALL = Feature.bits(Feature.ZSTD, Feature.LZ4, Feature.DELTA, Feature.ROUNDS);
    private static final long PACKED = Feature.bits(Feature.ZSTD, Feature.LZ4);

    /** Agrees on some features and sends frames on the stream when it is started. */
    private static FakeSource.Script streaming(long features, byte[]... frames) {
        return new FakeSource.Script() {
            @Override
            protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
                return RawPeer.bytes(Hello.answer(asked.role(), session, features, table));
            }

            @Override
            protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws IOException {
                if (frame.is(FrameType.START)) {
                    for (byte[] next : frames) {
                        peer.send(next);
                    }
                }
            }
        };
    }

    private static FakeSource.Script answering(byte[] answer) {
        return new FakeSource.Script() {
            @Override
            protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
                return RawPeer.bytes(Hello.answer(asked.role(), session, PACKED, table));
            }

            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws IOException {
                peer.send(answer);
            }
        };
    }

    private static byte[] packed(Compression compression, int count, int plainBytes) {
        try (PagePacker packer = compression.newPacker()) {
            ByteBuffer plain = ByteBuffer.allocateDirect(plainBytes);
            for (int i = 0; i < plainBytes; i++) {
                plain.put(i, (byte) (i / 50));
            }
            ByteBuffer out = ByteBuffer.allocateDirect(1 + packer.bound(plainBytes));
            out.put(0, (byte) compression.code());
            byte[] body = new byte[1 + packer.pack(plain, 0, plainBytes, out, 1)];
            out.get(0, body);
            return frame(FrameType.PACKED, 1, 40, count, body);
        }
    }

    private static byte[] frame(FrameType type, int region, long first, int count, byte... body) {
        return RawPeer.frame(type.code(), 0, region, body.length, first, count, 0, body);
    }

    /** The session fails with this message; pages 40 and on of region 1 are not touched. */
    private static void assertStreamFails(FakeSource.Script script, boolean atOnce, String... messages)
            throws Exception {
        for (InterceptorChoice choice : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            try (FakeSource source = new FakeSource(TABLE, script);
                    Destination destination = open(source, choice, atOnce)) {
                Throwable failure = assertThat(destination.completion())
                        .failsWithin(Duration.ofSeconds(10))
                        .withThrowableThat()
                        .havingCause()
                        .isInstanceOf(SourceLostException.class)
                        .actual();
                assertThat(failure.getMessage()).contains(messages);
                MemoryRegion region = destination.memory().region(1);
                assertThat(region.received().nextSet(40, 600)).isEqualTo(600);
            }
        }
    }

    private static Destination open(FakeSource source, InterceptorChoice choice, boolean atOnce) throws Exception {
        return Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withDeadline(Duration.ofSeconds(5))
                .withStreamAtOnce(atOnce));
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void packedPagesWithMoreOrLessInThem_areRefused(Compression compression) throws Exception {
        String named = "PACKED frame for region 1, pages 40 to 42: corrupt";
        assertStreamFails(streaming(PACKED, packed(compression, 3, 3 * 4096 + 1)), true, named);
        assertStreamFails(streaming(PACKED, packed(compression, 3, 3 * 4096 - 1)), true, named);
        assertStreamFails(streaming(PACKED, packed(compression, 3, 2000 * 4096)), true, "region 1");
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void packedPagesThatAreCorruptOrCutOff_areRefused(Compression compression) throws Exception {
        byte[] whole = packed(compression, 3, 3 * 4096);
        byte[] body = Arrays.copyOfRange(whole, 24, whole.length - 5);
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 40, 3, body)), true, "pages 40 to 42: corrupt");
        assertStreamFails(
                streaming(PACKED, frame(FrameType.PACKED, 1, 40, 1, (byte) compression.code(), (byte) 0xF1)),
                true,
                "PACKED frame for region 1, page 40: corrupt");
    }

    @Test
    void packedPagesOutsideTheMemory_orNotSmaller_orTooMany_areRefused() throws Exception {
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 599, 2, (byte) 2, (byte) 0)), true, "600 pages");
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 2, 0, 1, (byte) 2, (byte) 0)), true, "region 2");
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 40, 0, (byte) 2, (byte) 0)), true, "0 pages");
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 40, 513, new byte[9])), true, "at most 512");
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 40, 1, new byte[4096])), true, "2 to 4095");
        assertStreamFails(streaming(PACKED, frame(FrameType.PACKED, 1, 40, 1, (byte) 1)), true, "with 1 bytes");
    }

    @Test
    void compressionThatWasNotAgreedOn_isRefused() throws Exception {
        String named = "pages 40 to 42: no compression that was agreed on";
        assertStreamFails(streaming(Feature.bits(Feature.LZ4), packed(Compression.ZSTD, 3, 3 * 4096)), true, named);
        assertStreamFails(streaming(0, packed(Compression.LZ4, 3, 3 * 4096)), true, named);
        byte[] unknown = packed(Compression.LZ4, 3, 3 * 4096);
        unknown[24] = 9;
        assertStreamFails(streaming(PACKED, unknown), true, named);
    }

    @Test
    void packedAnswer_isInstalled_andAWrongOneIsAnErrorForTheWaitingThread() throws Exception {
        byte[] good = packed(Compression.LZ4, 1, 4096);
        for (InterceptorChoice choice : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            try (FakeSource source = new FakeSource(TABLE, answering(good));
                    Destination destination = open(source, choice, false)) {
                assertThat(destination.memory().getByte((1L << 40) + (40 << 12) + 4095))
                        .isEqualTo((byte) (4095 / 50));
            }
            byte[] wrong = packed(Compression.LZ4, 1, 4097);
            try (FakeSource source = new FakeSource(TABLE, answering(wrong));
                    Destination destination = open(source, choice, false)) {
                FutureTask<Byte> waiter =
                        Threads.start(() -> destination.memory().getByte((1L << 40) + (40 << 12)));
                assertThat(Threads.failure(waiter, 10))
                        .isInstanceOf(PageUnavailableException.class)
                        .hasMessageContaining("PACKED frame for region 1, page 40");
                assertThat(destination.memory().region(1).received().get(40)).isFalse();
            }
        }
    }

    @Test
    void packedAnswerThatNobodyAskedFor_isRefused() throws Exception {
        byte[] other = packed(Compression.LZ4, 1, 4096);
        try (FakeSource source = new FakeSource(TABLE, answering(other));
                Destination destination = open(source, InterceptorChoice.SOFTWARE, false)) {
            FutureTask<Byte> waiter = Threads.start(() -> destination.memory().getByte((1L << 40) + (41 << 12)));
            assertThat(Threads.failure(waiter, 10)).hasMessageContaining("page 40 of region 1 that was not asked for");
        }
    }

    @Test
    void deltaForAMissingPage_isRefused() throws Exception {
        byte[] zeros = frame(FrameType.ZERO, 1, 0, 40);
        assertStreamFails(
                streaming(ALL, zeros, frame(FrameType.DELTA, 1, 39, 2, (byte) 0, (byte) 0)),
                false,
                "DELTA frame for region 1, page 40: it is not in place");
    }

    @Test
    void wrongDelta_isRefused_andChangesNoPageOfItsFrame() throws Exception {
        byte[] zeros = frame(FrameType.ZERO, 1, 0, 40);
        // Page 8 becomes 7 in its first byte; then the delta of page 9 leaves its page.
        byte[] body = {3, 0, 1, 7, 5, (byte) 0xFF, 0x1F, 2, 7, 7};
        for (InterceptorChoice choice : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            try (FakeSource source =
                            new FakeSource(TABLE, streaming(ALL, zeros, frame(FrameType.DELTA, 1, 8, 2, body)));
                    Destination destination = open(source, choice, false)) {
                assertThat(destination.completion())
                        .failsWithin(Duration.ofSeconds(10))
                        .withThrowableThat()
                        .withMessageContaining("DELTA frame for region 1, page 9: corrupt");
                assertThat(destination.memory().getByte((1L << 40) + (8 << 12))).isZero();
            }
        }
    }

    @Test
    void deltasThatDoNotFillTheirFrame_areRefused() throws Exception {
        byte[] zeros = frame(FrameType.ZERO, 1, 0, 40);
        assertStreamFails(
                streaming(ALL, zeros, frame(FrameType.DELTA, 1, 8, 1, new byte[] {3, 0, 1, 7, 0})),
                false,
                "1 bytes after the last delta");
        assertStreamFails(
                streaming(ALL, zeros, frame(FrameType.DELTA, 1, 8, 2, new byte[] {3, 0, 1, 7})), false, "page 9");
        assertStreamFails(
                streaming(ALL, zeros, frame(FrameType.DELTA, 1, 8, 1, new byte[] {9, 0, 1, 7})),
                false,
                "page 8: its delta is cut off");
        assertStreamFails(streaming(ALL, zeros, frame(FrameType.DELTA, 1, 8, 2, (byte) 0)), false, "with 1 bytes");
    }

    @Test
    void deltaThatWasNotAgreedOn_orOutsideRounds_isRefused() throws Exception {
        byte[] delta = frame(FrameType.DELTA, 1, 8, 1, (byte) 0);
        byte[] zeros = frame(FrameType.ZERO, 1, 0, 40);
        assertStreamFails(
                streaming(Feature.bits(Feature.ROUNDS), zeros, delta), false, "DELTA frame, which was not agreed on");
        assertStreamFails(
                streaming(Feature.bits(Feature.DELTA), zeros, delta),
                true,
                "DELTA frame, but the guest is not awaited");
    }

    @Test
    void packedAndChangedPages_areInstalled() throws Exception {
        byte[] packed = packed(Compression.ZSTD, 3, 3 * 4096);
        byte[] delta = frame(FrameType.DELTA, 1, 41, 2, new byte[] {3, 5, 1, 77, 0});
        byte[] mark = RawPeer.frame(FrameType.MARK.code(), 0, 0, 0, 0, 0, 1, new byte[0]);
        for (InterceptorChoice choice : List.of(InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE)) {
            try (FakeSource source = new FakeSource(TABLE, streaming(ALL, packed, delta, mark));
                    Destination destination = open(source, choice, false)) {
                while (destination.memory().region(1).received().nextClear(40, 43) < 43) {
                    Thread.onSpinWait();
                }
                long page41 = (1L << 40) + (41 << 12);
                while (destination.memory().getByte(page41 + 5) != 77) {
                    Thread.onSpinWait();
                }
                assertThat(destination.memory().getByte(page41 + 6)).isEqualTo((byte) ((4096 + 6) / 50));
                assertThat(destination.memory().getByte(page41 + 4096 + 5)).isEqualTo((byte) ((8192 + 5) / 50));
            }
        }
    }
}
