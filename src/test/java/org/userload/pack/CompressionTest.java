package org.userload.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.support.Seeds;

/** What was packed comes back, and whatever else is unpacked writes nowhere else. */
class CompressionTest {
    private static final int PAGE = 4096;
    private static final byte CANARY = 0x5A;

    private static ByteBuffer content(SplittableRandom random, int bytes) {
        byte[] all = new byte[bytes];
        int kind = random.nextInt(3);
        for (int i = 0; i < bytes; i++) {
            all[i] = (byte) (kind == 0 ? random.nextInt() : kind == 1 ? i / 100 : random.nextInt(4));
        }
        return ByteBuffer.allocateDirect(bytes + 7).put(7, all);
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void pages_comeBackAsTheyWere(Compression compression) {
        SplittableRandom random = Seeds.random("CompressionTest");
        try (PagePacker packer = compression.newPacker();
                PageUnpacker unpacker = compression.newUnpacker()) {
            for (int round = 0; round < 500; round++) {
                int bytes = (1 + random.nextInt(16)) * PAGE;
                ByteBuffer plain = content(random, bytes);
                ByteBuffer packed = ByteBuffer.allocateDirect(3 + packer.bound(bytes));
                int length = packer.pack(plain, 7, bytes, packed, 3);
                assertThat(length).isBetween(1, packer.bound(bytes));
                ByteBuffer back = ByteBuffer.allocateDirect(bytes + 7);
                unpacker.unpack(packed, 3, length, back, 7, bytes);
                assertThat(back).isEqualTo(plain);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void packedBytesWithMoreOrLessInThem_areRefused_andWriteNowhereElse(Compression compression) {
        SplittableRandom random = Seeds.random("CompressionTest lengths");
        try (PagePacker packer = compression.newPacker();
                PageUnpacker unpacker = compression.newUnpacker()) {
            for (int actual : new int[] {PAGE - 1, PAGE + 1, 2 * PAGE, 500 * PAGE}) {
                ByteBuffer packed = ByteBuffer.allocateDirect(packer.bound(actual));
                int length = packer.pack(content(random, actual), 7, actual, packed, 0);
                assertRefused(unpacker, packed, length);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZSTD", "LZ4"})
    void cutOffOrChangedBytes_areRefused_orGiveAPage_andWriteNowhereElse(Compression compression) {
        SplittableRandom random = Seeds.random("CompressionTest garbage");
        try (PagePacker packer = compression.newPacker();
                PageUnpacker unpacker = compression.newUnpacker()) {
            ByteBuffer packed = ByteBuffer.allocateDirect(packer.bound(PAGE));
            for (int round = 0; round < 3_000; round++) {
                int length = packer.pack(content(random, PAGE), 7, PAGE, packed, 0);
                if (round % 3 == 0) {
                    assertRefused(unpacker, packed, random.nextInt(length));
                } else {
                    packed.put(random.nextInt(length), (byte) random.nextInt());
                    ByteBuffer around = canaries();
                    try {
                        unpacker.unpack(packed, 0, length, around, PAGE, PAGE);
                    } catch (CorruptPageException e) {
                        assertThat(e).hasMessageContaining("it ");
                    }
                    assertCanaries(around);
                }
            }
        }
    }

    @Test
    void none_packsNothing_andHasNoCodeOnTheWire() {
        assertThatThrownBy(Compression.NONE::newPacker).isInstanceOf(IllegalStateException.class);
        for (Compression compression : Compression.values()) {
            assertThat(Compression.ofCode(compression.code()))
                    .isEqualTo(compression == Compression.NONE ? null : compression);
        }
        assertThat(Compression.ofCode(3)).isNull();
    }

    private static void assertRefused(PageUnpacker unpacker, ByteBuffer packed, int length) {
        ByteBuffer around = canaries();
        assertThatThrownBy(() -> unpacker.unpack(packed, 0, length, around, PAGE, PAGE))
                .isInstanceOf(CorruptPageException.class);
        assertCanaries(around);
    }

    private static ByteBuffer canaries() {
        ByteBuffer around = ByteBuffer.allocateDirect(3 * PAGE);
        for (int i = 0; i < around.capacity(); i++) {
            around.put(i, CANARY);
        }
        return around;
    }

    private static void assertCanaries(ByteBuffer around) {
        for (int i = 0; i < PAGE; i++) {
            if (around.get(i) != CANARY || around.get(2 * PAGE + i) != CANARY) {
                throw new AssertionError("a byte outside the page was written, at " + i);
            }
        }
    }
}
