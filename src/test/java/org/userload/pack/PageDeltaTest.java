package org.userload.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.userload.support.Seeds;

/** A delta makes the new page of the old one, and a wrong one changes nothing outside the page. */
class PageDeltaTest {
    private static final int PAGE = 4096;

    private static ByteBuffer page(SplittableRandom random) {
        byte[] bytes = new byte[PAGE];
        random.nextBytes(bytes);
        return ByteBuffer.allocateDirect(PAGE).put(0, bytes);
    }

    private static ByteBuffer copy(ByteBuffer page) {
        return ByteBuffer.allocateDirect(PAGE).put(0, page, 0, PAGE);
    }

    /** Writes to some of it: bytes, words or stretches. */
    private static void write(ByteBuffer page, SplittableRandom random) {
        int writes = random.nextInt(20);
        for (int i = 0; i < writes; i++) {
            int at = random.nextInt(PAGE);
            int length = Math.min(PAGE - at, random.nextBoolean() ? 1 + random.nextInt(8) : random.nextInt(600));
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            page.put(at, bytes);
        }
    }

    @Test
    void delta_makesTheNewPageOfTheOldOne() {
        SplittableRandom random = Seeds.random("PageDeltaTest");
        ByteBuffer delta = ByteBuffer.allocateDirect(2 * PAGE);
        int written = 0;
        for (int round = 0; round < 20_000; round++) {
            ByteBuffer old = page(random);
            ByteBuffer now = copy(old);
            write(now, random);
            int length = PageDelta.encode(old, 0, now, 0, PAGE, delta, 100, PAGE - 1);
            if (length >= 0) {
                PageDelta.apply(delta, 100, length, old, 0, PAGE);
                assertThat(old).isEqualTo(now);
                written++;
            }
        }
        assertThat(written).isGreaterThan(10_000);
    }

    @Test
    void samePage_isADeltaOfNoBytes() {
        ByteBuffer page = page(Seeds.random("PageDeltaTest same"));
        assertThat(PageDelta.encode(page, 0, copy(page), 0, PAGE, ByteBuffer.allocateDirect(8), 0, 8))
                .isZero();
    }

    @Test
    void oneChangedByte_takesThree_orFour() {
        ByteBuffer old = page(Seeds.random("PageDeltaTest byte"));
        ByteBuffer out = ByteBuffer.allocateDirect(16);
        for (int at : new int[] {0, 1, 7, 127, 128, PAGE - 1}) {
            ByteBuffer now = copy(old);
            now.put(at, (byte) (now.get(at) + 1));
            assertThat(PageDelta.encode(old, 0, now, 0, PAGE, out, 0, 16)).isEqualTo(at < 128 ? 3 : 4);
        }
    }

    @Test
    void deltaThatIsNotSmaller_isGivenUp_withoutAByteBeyondItsRoom() {
        SplittableRandom random = Seeds.random("PageDeltaTest large");
        ByteBuffer out = ByteBuffer.allocateDirect(2 * PAGE);
        assertThat(PageDelta.encode(page(random), 0, page(random), 0, PAGE, out, 0, PAGE - 1))
                .isEqualTo(-1);
        for (int at = PAGE - 1; at < out.capacity(); at++) {
            assertThat(out.get(at)).isZero();
        }
    }

    @Test
    void wrongDelta_isRefused_orStaysInThePage() {
        SplittableRandom random = Seeds.random("PageDeltaTest garbage");
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(60)];
            random.nextBytes(bytes);
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] &= (byte) (random.nextInt(8) == 0 ? 0xFF : 0x1F);
            }
            ByteBuffer delta = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
            ByteBuffer all = ByteBuffer.allocateDirect(3 * PAGE);
            try {
                PageDelta.apply(delta, 0, bytes.length, all, PAGE, PAGE);
            } catch (CorruptPageException e) {
                refused++;
            }
            for (int i = 0; i < PAGE; i += Long.BYTES) {
                assertThat(all.getLong(i) | all.getLong(2 * PAGE + i)).isZero();
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void deltaBeyondThePage_orCutOff_isRefused() {
        assertRefused(0x80, 0x20, 1, 5); // stays 4096, changes 1
        assertRefused(0, 0x81, 0x20); // changes 4097
        assertRefused(0, 0); // changes nothing
        assertRefused(5); // no second length
        assertRefused(0, 3, 1, 2); // two of three bytes
        assertRefused(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 1); // a length of 2^35
        assertRefused(0x80, 0, 1, 1); // a length that is longer than it need be
    }

    private static void assertRefused(int... bytes) {
        ByteBuffer delta = ByteBuffer.allocateDirect(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            delta.put(i, (byte) bytes[i]);
        }
        assertThatThrownBy(() -> PageDelta.apply(delta, 0, bytes.length, ByteBuffer.allocateDirect(PAGE), 0, PAGE))
                .isInstanceOf(CorruptPageException.class);
    }

    @Test
    void varint_readsWhatWasWritten() {
        ByteBuffer out = ByteBuffer.allocateDirect(8);
        for (int value : new int[] {0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, Integer.MAX_VALUE}) {
            int end = PageDelta.putVarint(out, 1, value);
            assertThat(end - 1).isEqualTo(PageDelta.varintBytes(value));
            assertThat(PageDelta.varint(out, 1, end)).isEqualTo(value);
            assertThatThrownBy(() -> PageDelta.varint(out, 1, end - 1)).isInstanceOf(CorruptPageException.class);
        }
    }
}
