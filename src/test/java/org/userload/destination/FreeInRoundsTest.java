package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.KnownPagesTest.Catching;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.PageRuns;
import org.userload.support.StreamingSource;

/** Zero and free pages before the guest runs here: what comes last counts, in whatever form. */
@Timeout(60)
class FreeInRoundsTest {
    private static final long POISON = 0x5A5A_0000_1111_2222L;
    private static final int PAGES = 64;
    private static final RegionTable TABLE = RegionTable.single(PAGES);

    private static Destination open(StreamingSource source, Catching catching) throws Exception {
        Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(catching.choice)
                .withTrackRemovals(catching.removals)
                .withStreamAtOnce(false));
        source.hear(FrameType.START);
        return destination;
    }

    private static void assertPage(GuestMemory memory, int page, long word) {
        for (int offset = 0; offset < 4096; offset += 8) {
            assertThat(memory.getLong(((long) page << 12) + offset))
                    .as("page %d, byte %d", page, offset)
                    .isEqualTo(word);
        }
    }

    private static void assertCounts(PageCounts pages, long precopy, long zero, long free) {
        assertThat(pages.precopy()).as("precopy").isEqualTo(precopy);
        assertThat(pages.zero()).as("zero").isEqualTo(zero);
        assertThat(pages.free()).as("free").isEqualTo(free);
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void freeAndZeroPages_replaceAndAreReplaced_untilTheGuestRuns(Catching catching) throws Exception {
        long ones = 0x0101_0101_0101_0101L;
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE, Feature.ROUNDS);
                Destination destination = open(source, catching)) {
            source.pages(0, 0, PAGES, 1);
            source.settle(1);
            source.free(0, 0, 40, POISON);
            source.zero(0, 40, 10);
            source.settle(2);
            assertCounts(destination.statistics().pages(), PAGES - 50, 10, 40);
            source.pages(0, 10, 10, 2);
            source.zero(0, 20, 5);
            source.free(0, 45, 2, POISON);
            source.pages(0, 30, 2, 3);
            source.free(0, 31, 1, POISON);
            source.settle(3);
            assertThat(destination.completion()).isNotDone();
            destination.endRounds();
            GuestMemory memory = destination.memory();
            assertPage(memory, 5, POISON);
            destination.startStream();
            // Late: the guest runs, and these pages are its own.
            source.pages(0, 0, PAGES, 9);
            assertCounts(destination.completion().get(20, TimeUnit.SECONDS).pages(), PAGES - 39, 13, 26);
            for (int page = 0; page < PAGES; page++) {
                long word = ones;
                if (page < 40) {
                    word = page >= 10 && page < 20
                            ? 2 * ones
                            : page >= 20 && page < 25 ? 0 : page == 30 ? 3 * ones : POISON;
                } else if (page < 50) {
                    word = page == 45 || page == 46 ? POISON : 0;
                }
                assertPage(memory, page, word);
            }
            assertThat(source.requestCount()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void calledBackFreePages_areMissing(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE, Feature.ROUNDS);
                Destination destination = open(source, catching)) {
            source.free(0, 0, 32, POISON);
            source.zero(0, 32, 32);
            byte[] runs = ByteBuffer.allocate(PageRuns.bodyBytes(1))
                    .putLong(30)
                    .putInt(4)
                    .array();
            source.stream().send(FrameType.DISCARD, 0, 0, 1, 0, runs);
            source.settle(1);
            assertCounts(destination.statistics().pages(), 0, 30, 30);
            destination.endRounds();
            destination.startStream();
            assertThat(destination.completion()).isNotDone();
            source.pages(0, 30, 4, 7);
            assertThat(destination.completion().get(20, TimeUnit.SECONDS).pages().stream())
                    .isEqualTo(4);
            assertPage(destination.memory(), 29, POISON);
            assertPage(destination.memory(), 30, 0x0707_0707_0707_0707L);
            assertPage(destination.memory(), 33, 0x0707_0707_0707_0707L);
            assertPage(destination.memory(), 34, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void delta_changesAKnownPage(Catching catching) throws Exception {
        // Two pages; in each the first 8 bytes stay and the next one changes to 0x42.
        byte[] delta = {3, 8, 1, 0x42, 3, 8, 1, 0x42};
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE, Feature.ROUNDS, Feature.DELTA);
                Destination destination = open(source, catching)) {
            source.free(0, 0, 32, POISON);
            source.zero(0, 32, 32);
            source.stream().send(FrameType.DELTA, 0, 31, 2, 0, delta);
            source.settle(1);
            assertCounts(destination.statistics().pages(), 2, 31, 31);
            destination.endRounds();
            destination.startStream();
            destination.completion().get(20, TimeUnit.SECONDS);
            GuestMemory memory = destination.memory();
            assertPage(memory, 30, POISON);
            assertThat(memory.getLong(31 << 12)).isEqualTo(POISON);
            assertThat(memory.getLong((31 << 12) + 8)).isEqualTo((POISON & ~0xFFL) | 0x42);
            assertThat(memory.getLong((31 << 12) + 16)).isEqualTo(POISON);
            assertThat(memory.getLong((32 << 12) + 8)).isEqualTo(0x42);
            assertThat(memory.getLong((32 << 12) + 16)).isZero();
        }
    }
}
