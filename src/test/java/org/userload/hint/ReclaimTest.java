package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.hint.Reclaim.Outcome;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

@Timeout(60)
class ReclaimTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(20);

    private static RangeBatch range(long first, long count) {
        return new RangeBatch().add(first, count);
    }

    @Test
    void guestThatGivesMemory_isWaitedFor() throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(100))) {
            memory.fill(0, 100 << 12, (byte) 1);
            Balloon balloon = Balloon.empty(memory, 0);
            balloon.inflate(range(0, 5));
            Reclaim reclaim = Reclaim.from(
                    floor -> CompletableFuture.runAsync(() -> balloon.inflate(range(10, 90 - floor))),
                    balloon,
                    20,
                    LONG);
            assertThat(reclaim.outcome()).isEqualTo(Outcome.DONE);
            assertThat(reclaim.pages()).isEqualTo(70);
            assertThat(reclaim.reason()).isEmpty();
            assertThat(memory.getByte(79 << 12)).isZero();
            assertThat(memory.getByte(80 << 12)).isEqualTo((byte) 1);
        }
    }

    @Test
    void guestThatRefuses_isReported_howeverItSaysSo() throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(100))) {
            Balloon balloon = Balloon.empty(memory, 0);
            IllegalStateException why = new IllegalStateException("no balloon here");
            assertThat(Reclaim.from(floor -> CompletableFuture.failedFuture(why), balloon, 0, LONG))
                    .matches(reclaim -> reclaim.outcome() == Outcome.REFUSED
                            && reclaim.reason().contains("no balloon here")
                            && reclaim.pages() == 0);
            assertThat(Reclaim.from(
                            floor -> {
                                throw why;
                            },
                            balloon,
                            0,
                            LONG))
                    .matches(reclaim -> reclaim.outcome() == Outcome.REFUSED
                            && reclaim.reason().contains("no balloon here"));
        }
    }

    @Test
    void guestThatNeverAnswers_isLeftAlone_andWhatItGaveCounts() throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(100))) {
            Balloon balloon = Balloon.empty(memory, 0);
            CompletableFuture<Void> never = new CompletableFuture<>();
            Reclaim reclaim = Reclaim.from(
                    floor -> {
                        balloon.inflate(range(0, 3));
                        return never;
                    },
                    balloon,
                    0,
                    SHORT);
            assertThat(reclaim.outcome()).isEqualTo(Outcome.TIMED_OUT);
            assertThat(reclaim.pages()).isEqualTo(3);
            assertThat(never).isCancelled();
        }
    }

    @Test
    void negativeFloor_isAnError() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(1))) {
            assertThatThrownBy(
                            () -> Reclaim.from(floor -> new CompletableFuture<>(), Balloon.empty(memory, 0), -1, SHORT))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
