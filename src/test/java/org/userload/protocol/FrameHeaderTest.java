package org.userload.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.RawPeer;

@Timeout(20)
class FrameHeaderTest {
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 1000), new RegionTable.Entry(1L << 40, 10)));
    private static final Set<FrameType> WITH_BODY = EnumSet.of(
            FrameType.HELLO,
            FrameType.PAGES,
            FrameType.ERROR,
            FrameType.PREPARE,
            FrameType.ABORT,
            FrameType.DISCARD,
            FrameType.PACKED,
            FrameType.DELTA,
            FrameType.FREE,
            FrameType.PREFER);

    private static FrameHeader decode(int type, int flags, int region, int length, long first, int count, int id) {
        ByteBuf in = Unpooled.wrappedBuffer(
                new byte[3], RawPeer.frame(type, flags, region, length, first, count, id, new byte[0]));
        in.skipBytes(3);
        FrameHeader header = new FrameHeader();
        header.decode(in);
        assertThat(in.isReadable()).isFalse();
        return header;
    }

    private static FrameHeader pages(FrameType type, int region, long first, int count, int length) {
        return decode(type.code(), 0, region, length, first, count, 0);
    }

    @ParameterizedTest
    @EnumSource(FrameType.class)
    void header_roundTrips(FrameType type) {
        int length = WITH_BODY.contains(type) ? 4096 : 0;
        ByteBuf out = Unpooled.buffer();
        Frames.writeHeader(out, type, 65535, length, Long.MIN_VALUE, 1 << 20, -2);
        FrameHeader header = new FrameHeader();
        header.decode(out);
        assertThat(header.type()).isEqualTo(type);
        assertThat(header.region()).isEqualTo(65535);
        assertThat(header.bodyLength()).isEqualTo(length);
        assertThat(header.firstPage()).isEqualTo(Long.MIN_VALUE);
        assertThat(header.count()).isEqualTo(1 << 20);
        assertThat(header.id()).isEqualTo(-2);
    }

    @Test
    void everyTypeThatIsNotDefined_isRefused() {
        Set<Integer> known = new java.util.TreeSet<>();
        for (FrameType type : FrameType.values()) {
            known.add(type.code());
        }
        for (int code = 0; code < 256; code++) {
            int type = code;
            if (!known.contains(code)) {
                assertThatThrownBy(() -> decode(type, 0, 0, 0, 0, 0, 0))
                        .isInstanceOf(ProtocolException.class)
                        .hasMessageContaining("unknown type " + code);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "128", "255"})
    void flags_areRefused(int flags) {
        assertThatThrownBy(() -> decode(FrameType.ZERO.code(), flags, 0, 0, 0, 1, 0))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("flags");
    }

    @ParameterizedTest
    @EnumSource(FrameType.class)
    void bodyLongerThanAllowed_isRefused(FrameType type) {
        assertThatThrownBy(() -> decode(type.code(), 0, 0, -1, 0, 1, 0)).isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> decode(type.code(), 0, 0, Integer.MIN_VALUE, 0, 1, 0))
                .isInstanceOf(ProtocolException.class);
        if (type != FrameType.PAGES) {
            assertThatThrownBy(() -> decode(type.code(), 0, 0, (1 << 20) + 1, 0, 1, 0))
                    .isInstanceOf(ProtocolException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(FrameType.class)
    void bodyOfATypeThatHasNone_isRefused(FrameType type) {
        if (!WITH_BODY.contains(type)) {
            assertThatThrownBy(() -> decode(type.code(), 0, 0, 1, 0, 1, 0))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("body of 1 bytes");
        }
    }

    @ParameterizedTest
    @CsvSource({"1048577", "2147483647", "-1", "-2147483648"})
    void countBeyondAnyRun_isRefused(int count) {
        assertThatThrownBy(() -> pages(FrameType.ZERO, 0, 0, count, 0)).isInstanceOf(ProtocolException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "2,0,1",
        "65535,0,1",
        "0,1000,1",
        "0,999,2",
        "0,-1,1",
        "0,-9223372036854775808,1",
        "0,9223372036854775807,1",
        "1,10,1",
        "1,3,8",
        "0,0,0",
        "0,0,513"
    })
    void pagesOutsideTheTable_areRefused(int region, long first, int count) {
        FrameHeader header = pages(FrameType.ZERO, region, first, count, 0);
        assertThatThrownBy(() -> header.checkPages(TABLE, 512))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("region " + region);
    }

    @ParameterizedTest
    @CsvSource({"0,0,1", "0,999,1", "0,488,512", "1,0,10", "1,9,1"})
    void pagesInsideTheTable_areAccepted(int region, long first, int count) {
        pages(FrameType.ZERO, region, first, count, 0).checkPages(TABLE, 512);
        pages(FrameType.PAGES, region, first, count, count << 12).checkContent(TABLE);
    }

    @ParameterizedTest
    @CsvSource({"1,0", "1,4095", "1,4097", "1,8192", "2,4096", "512,4096", "3,12287"})
    void contentOfAnotherLengthThanItsPages_isRefused(int count, int length) {
        FrameHeader header = pages(FrameType.PAGES, 0, 0, count, length);
        assertThatThrownBy(() -> header.checkContent(TABLE))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("expected " + (count << 12));
    }

    @Test
    void errorText_isCleanedAndNeedsACode() {
        ByteBuf out = Unpooled.buffer();
        Frames.writeError(out, ErrorCode.ROLE_TAKEN, "a\u001b[31mb\nc");
        out.skipBytes(FrameLayout.HEADER_BYTES);
        assertThat(Frames.errorText(out)).isEqualTo("role taken: a [31mb c");
        assertThatThrownBy(() -> Frames.errorText(Unpooled.buffer().writeByte(1)))
                .isInstanceOf(ProtocolException.class);
        assertThat(Frames.errorText(Unpooled.buffer().writeShort(999))).isEqualTo("error 999: ");
    }

    @Test
    void longErrorText_isCut() {
        ByteBuf out = Unpooled.buffer();
        Frames.writeError(out, ErrorCode.PROTOCOL, "x".repeat(10_000));
        assertThat(out.readableBytes()).isEqualTo(FrameLayout.HEADER_BYTES + 2 + 4096);
    }
}
