package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.KnownPagesTest.Catching;
import org.userload.fault.Released;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer.Frame;
import org.userload.support.StreamingSource;
import org.userload.support.Threads;

/** The guest at a destination releases pages while its memory is still coming. */
@Timeout(60)
class ReleaseTest {
    private static final long POISON = 0xAAAA_5555_DEAD_BEEFL;
    private static final RegionTable TABLE = RegionTable.single(300);

    private static Released release(Destination destination, long first, long count) throws Exception {
        return destination.release(0, new PageRange(first, count)).get(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void missingPages_areZeroWithoutTheSource_whichIsToldOf_andTheSessionIsCompleteWithoutThem(Catching catching)
            throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, false, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> waiter = Threads.start(() -> memory.getLong(120 << 12));
            source.nextRequest();
            assertThat(release(destination, 100, 200)).isEqualTo(new Released(200, 0, 0));
            Frame told = source.hear(FrameType.RELEASED);
            assertThat(told.region()).isZero();
            assertThat(told.firstPage()).isEqualTo(100);
            assertThat(told.count()).isEqualTo(200);
            assertThat(Threads.join(waiter, 10)).isZero();
            memory.putLong(130 << 12, 42);
            source.pages(TABLE, 0, 50, 200);
            source.pages(TABLE, 0, 0, 50);
            PageCounts pages =
                    destination.completion().get(10, TimeUnit.SECONDS).pages();
            assertThat(pages.free()).isEqualTo(200);
            assertThat(pages.stream()).isEqualTo(100);
            assertThat(pages.duplicate()).isEqualTo(150);
            for (long page = 0; page < 300; page++) {
                assertThat(memory.getLong(page << 12))
                        .isEqualTo(page < 100 ? FakeSource.wordAt(page << 12) : page == 130 ? 42 : 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void pagesThatAreHere_areZero_andStayWhatTheGuestWritesThen(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            source.pages(TABLE, 0, 0, 100);
            source.free(0, 100, 50, POISON);
            source.zero(0, 150, 50);
            Threads.await("200 settled", 10, () -> destination.statistics().pagesInPlace() == 200);
            memory.putLong(110 << 12, 7);
            memory.putLong(160 << 12, 8);
            for (int round = 0; round < 3; round++) {
                Released released = release(destination, 20, 200);
                assertThat(released.missing()).isEqualTo(round == 0 ? 20 : 0);
                assertThat(released.zeroed()).isZero();
                for (long page = 20; page < 220; page++) {
                    assertThat(memory.getLong((page << 12) + 8)).isZero();
                    assertThat(memory.getLong(page << 12)).isZero();
                    memory.putLong(page << 12, page + round);
                }
            }
            source.pages(TABLE, 0, 0, 300);
            destination.completion().get(10, TimeUnit.SECONDS);
            for (long page = 0; page < 300; page++) {
                boolean released = page >= 20 && page < 220;
                assertThat(memory.getLong(page << 12)).isEqualTo(released ? page + 2 : FakeSource.wordAt(page << 12));
            }
            assertThat(release(destination, 0, 300)).isEqualTo(new Released(0, 300, 0));
            assertThat(memory.getLong(0)).isZero();
            assertThat(source.requestCount()).isZero();
        }
    }

    @Test
    void moreRunsThanMappingsAllow_areZeroedInPlace() throws Exception {
        int pages = 20_000;
        RegionTable table = RegionTable.single(pages);
        try (StreamingSource source = new StreamingSource(table, true, Feature.FREE);
                Destination destination = Catching.USERFAULTFD.open(source)) {
            GuestMemory memory = destination.memory();
            for (int first = 0; first < 18_000; first += 500) {
                source.pages(table, 0, first, 500);
            }
            source.free(0, 18_000, 1_999, POISON);
            Threads.await("settled", 20, () -> destination.statistics().pagesInPlace() == pages - 1);
            memory.putLong(18_000L << 12, 5);
            Released released = Released.NONE;
            for (int page = 0; page < pages - 1; page += 2) {
                released = released.plus(release(destination, page, 1));
            }
            assertThat(released.missing()).isZero();
            assertThat(released.dropped()).isEqualTo(4096);
            // A page that was known and not touched has nothing to fill with zeros.
            assertThat(released.zeroed()).isEqualTo(9_000 - 4_096 + 1);
            for (int page = 0; page < pages - 1; page++) {
                long address = (long) page << 12;
                long kept = page < 18_000 ? FakeSource.wordAt(address) : POISON;
                assertThat(memory.getLong(address)).as("page %d", page).isEqualTo(page % 2 == 0 ? 0 : kept);
            }
            // Filling the gap between two runs frees a mapping again.
            assertThat(release(destination, 1, 1)).isEqualTo(new Released(0, 1, 0));
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void sourceThatDoesNotKnowOfFreePages_isToldNothing(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true);
                Destination destination = catching.open(source)) {
            assertThat(release(destination, 0, 100).missing()).isEqualTo(100);
            source.pages(TABLE, 0, 0, 300);
            destination.completion().get(10, TimeUnit.SECONDS);
            source.hear(FrameType.COMPLETE);
            assertThat(destination.memory().getLong(5 << 12)).isZero();
            assertThat(destination.memory().getLong(100 << 12)).isEqualTo(FakeSource.wordAt(100 << 12));
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void whatCannotBeReleased_isRefused(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE)) {
            Destination destination = catching.open(source);
            assertThatThrownBy(() -> destination.release(1, new PageRange(0, 1)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> destination.release(0, new PageRange(300, 1)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> destination.release(0, new PageRange(1, Long.MAX_VALUE - 1)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            destination.close();
            assertThatThrownBy(() -> release(destination, 0, 1)).hasCauseInstanceOf(IllegalStateException.class);
        }
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE, Feature.ROUNDS);
                Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                        .withInterceptor(catching.choice)
                        .withStreamAtOnce(false))) {
            assertThatThrownBy(() -> destination.release(0, new PageRange(0, 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("does not run here yet");
        }
    }
}
