package org.userload.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;

@Timeout(20)
class HelloTest {
    private static final RegionTable TABLE = new RegionTable(
            new PageSize(65536), List.of(new RegionTable.Entry(0, 3), new RegionTable.Entry(1L << 40, 1L << 31)));

    private static ByteBuf body(Hello hello) {
        ByteBuf out = Unpooled.buffer();
        hello.encode(out);
        FrameHeader header = new FrameHeader();
        header.decode(out);
        assertThat(header.type()).isEqualTo(FrameType.HELLO);
        assertThat(header.bodyLength()).isEqualTo(out.readableBytes());
        return out;
    }

    private static void assertRefused(Consumer<ByteBuf> change, String message) {
        ByteBuf body = body(Hello.answer(Role.SYNC, new SessionId(1, 2), TABLE)).copy();
        change.accept(body);
        assertThatThrownBy(() -> Hello.decode(body))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @EnumSource(Role.class)
    void hello_roundTrips(Role role) {
        SessionId session = SessionId.random();
        assertThat(Hello.decode(body(Hello.ask(role, session)))).isEqualTo(Hello.ask(role, session));
        Hello answer = new Hello(Hello.VERSION, role, TABLE.pageSize(), -1, session, TABLE);
        assertThat(Hello.decode(body(answer))).isEqualTo(answer);
    }

    @Test
    void anotherProtocol_isNamedAsSuch() {
        assertRefused(body -> body.setLong(0, 0x474554202F204854L), "does not speak the Userload protocol");
        assertRefused(body -> body.writerIndex(43), "does not speak the Userload protocol");
        assertRefused(body -> body.writerIndex(0), "does not speak the Userload protocol");
    }

    @Test
    void anotherVersion_isNamed_withWhatToDo() {
        assertRefused(body -> body.setShort(HelloLayout.VERSION_OFFSET, 2), "speaks version 2");
        assertRefused(body -> body.setShort(HelloLayout.VERSION_OFFSET, 65535), "speaks version 65535");
        assertRefused(body -> body.setShort(HelloLayout.VERSION_OFFSET, 0), "use the same release on both sides");
    }

    @Test
    void unknownRole_isRefused() {
        assertRefused(body -> body.setByte(HelloLayout.ROLE_OFFSET, 0), "unknown role 0");
        assertRefused(body -> body.setByte(HelloLayout.ROLE_OFFSET, 255), "unknown role 255");
    }

    @Test
    void wrongMemoryLayout_isRefused() {
        assertRefused(body -> body.setInt(HelloLayout.PAGE_SIZE_OFFSET, 0), "wrong memory layout");
        assertRefused(body -> body.setInt(HelloLayout.PAGE_SIZE_OFFSET, 4095), "wrong memory layout");
        assertRefused(body -> body.setInt(HelloLayout.PAGE_SIZE_OFFSET, -4096), "wrong memory layout");
        assertRefused(body -> body.setLong(HelloLayout.FIXED_BYTES, 1), "region 0");
        assertRefused(body -> body.setLong(HelloLayout.FIXED_BYTES + 8, -1), "region 0 has -1 pages");
        assertRefused(body -> body.setLong(HelloLayout.FIXED_BYTES + 8, Long.MAX_VALUE), "region 0");
        assertRefused(body -> body.setLong(HelloLayout.FIXED_BYTES + 16, 65536), "overlaps");
        assertRefused(body -> body.setLong(HelloLayout.FIXED_BYTES + 16, Long.MIN_VALUE), "region 1");
    }

    @Test
    void regionCountThatDoesNotFitTheBody_isRefused() {
        for (int count : new int[] {0, 1, 3, 4097, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            assertRefused(body -> body.setInt(HelloLayout.REGION_COUNT_OFFSET, count), "regions in a body of");
        }
    }

    @Test
    void randomBodies_areAProtocolExceptionOrAHello_andNothingElse() {
        SplittableRandom random = Seeds.random("HelloTest");
        ByteBuf good = body(Hello.answer(Role.CONTROL, new SessionId(3, 4), TABLE));
        for (int round = 0; round < 20_000; round++) {
            ByteBuf body = good.copy();
            for (int i = random.nextInt(4); i >= 0; i--) {
                body.setByte(random.nextInt(body.writerIndex()), random.nextInt());
            }
            try {
                assertThat(Hello.decode(body).version()).isEqualTo(Hello.VERSION);
            } catch (ProtocolException expected) {
                assertThat(expected.getMessage()).isNotEmpty();
            }
        }
    }
}
