package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.support.Seeds;

@Timeout(60)
class BalloonStateTest {
    private static final int LIMIT = 3 * Chunk.SIZE;

    private static ReleasedMemory random(SplittableRandom random) {
        ReleasedMemory guest = new ReleasedMemory(LIMIT, random.nextInt(3));
        for (int i = 0; i < random.nextInt(20); i++) {
            guest.addMemory(random.nextInt(LIMIT), random.nextInt(1, 20_000));
        }
        for (int i = 0; i < random.nextInt(2_000); i++) {
            guest.release(random.nextInt(LIMIT), random.nextInt(1, 50));
        }
        return guest;
    }

    @Test
    void anyState_comesBackAsItWas() {
        SplittableRandom random = Seeds.random("BalloonStateTest round trip");
        for (int i = 0; i < 300; i++) {
            ReleasedMemory guest = random(random);
            byte[] bytes = BalloonState.of(guest).toBytes();
            ReleasedMemory back = BalloonState.ofBytes(bytes).restore(LIMIT);
            assertThat(RangeModel.ranges(back.memory())).isEqualTo(RangeModel.ranges(guest.memory()));
            assertThat(RangeModel.ranges(back.released())).isEqualTo(RangeModel.ranges(guest.released()));
            assertThat(back.floorPages()).isEqualTo(guest.floorPages());
        }
    }

    /** Whatever a peer sends: a guest that could be, or an error; never another one, never a hang. */
    @Test
    void damagedState_isRefused_orIsOneThatCouldBe() {
        SplittableRandom random = Seeds.random("BalloonStateTest damage");
        int refused = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] bytes = BalloonState.of(random(random)).toBytes();
            if (random.nextBoolean()) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
            try {
                ReleasedMemory guest = BalloonState.ofBytes(bytes).restore(LIMIT);
                assertThat(guest.releasedPages()).isLessThanOrEqualTo(guest.memoryPages());
            } catch (IllegalArgumentException e) {
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void stateOfAnotherVersion_withARest_orOfALargerGuest_isRefused() {
        ReleasedMemory guest = new ReleasedMemory(LIMIT);
        guest.addMemory(0, 100);
        byte[] bytes = BalloonState.of(guest).toBytes();
        assertThatThrownBy(() -> BalloonState.ofBytes(bytes).restore(99)).hasMessageContaining("does not fit");
        assertThatThrownBy(() -> BalloonState.ofBytes(Arrays.copyOf(bytes, bytes.length + 1))
                        .restore(LIMIT))
                .hasMessageContaining("1 bytes too many");
        assertThatThrownBy(() -> BalloonState.ofBytes(new byte[0]).restore(LIMIT))
                .hasMessageContaining("cut off");
        bytes[0] = 9;
        assertThatThrownBy(() -> BalloonState.ofBytes(bytes).restore(LIMIT)).hasMessageContaining("version 9");
    }
}
