package org.userload.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.support.Seeds;
import org.userload.support.Threads;

@Timeout(60)
class ByteRingTest {
    private static final long HOUR = TimeUnit.HOURS.toNanos(1);

    /** A wake-up that got lost would leave both threads parked for an hour. */
    @Test
    void bytes_arriveInOrder_andNoWakeUpIsLost_whenBothSidesKeepWaiting() throws Exception {
        long seed = Seeds.of("bytes_arriveInOrder");
        RingPipe.Pair pair = RingPipe.pair(1 << 10);
        int total = 20 << 20;
        FutureTask<Void> writer = Threads.start(() -> {
            SplittableRandom content = new SplittableRandom(seed);
            SplittableRandom lengths = new SplittableRandom(seed + 1);
            int left = total;
            while (left > 0) {
                byte[] piece = new byte[Math.min(left, 1 + lengths.nextInt(3000))];
                content.nextBytes(piece);
                ByteBuffer bytes = ByteBuffer.wrap(piece);
                while (bytes.hasRemaining()) {
                    if (pair.guest().write(bytes) == 0) {
                        pair.guest().await(false, true, HOUR);
                    }
                }
                left -= piece.length;
            }
            pair.guest().close();
            return null;
        });
        SplittableRandom content = new SplittableRandom(seed);
        SplittableRandom lengths = new SplittableRandom(seed + 1);
        int left = total;
        while (left > 0) {
            byte[] expected = new byte[Math.min(left, 1 + lengths.nextInt(3000))];
            content.nextBytes(expected);
            ByteBuffer piece = ByteBuffer.allocate(expected.length);
            while (piece.hasRemaining()) {
                if (pair.host().read(piece) == 0) {
                    pair.host().await(true, false, HOUR);
                }
            }
            assertThat(piece.array()).isEqualTo(expected);
            left -= expected.length;
        }
        Threads.join(writer, 30);
        assertThat(pair.host().read(ByteBuffer.allocate(1))).isEqualTo(BytePipe.ENDED);
    }

    @Test
    void whatWasWritten_canBeRead_afterTheWriterHasClosed() throws IOException {
        RingPipe.Pair pair = RingPipe.pair(1 << 10);
        assertThat(pair.guest().write(ByteBuffer.allocate(2000))).isEqualTo(1 << 10);
        pair.guest().close();
        assertThat(pair.host().read(ByteBuffer.allocate(1000))).isEqualTo(1000);
        assertThat(pair.host().read(ByteBuffer.allocate(1000))).isEqualTo(24);
        assertThat(pair.host().read(ByteBuffer.allocate(1000))).isEqualTo(BytePipe.ENDED);
        assertThatThrownBy(() -> pair.host().write(ByteBuffer.allocate(1))).isInstanceOf(IOException.class);
    }

    @Test
    void wakeBeforeTheWait_endsIt() throws IOException {
        RingPipe.Pair pair = RingPipe.pair(1 << 10);
        pair.host().wake();
        pair.host().await(true, false, HOUR);
    }
}
