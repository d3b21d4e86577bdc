package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.support.FakeSource;
import org.userload.support.RawPeer.Frame;
import org.userload.support.StreamingSource;
import org.userload.support.Threads;

/** Zero and free pages at a destination: known without the source, in place when they are touched, never overwritten. */
@Timeout(60)
class KnownPagesTest {
    private static final long FAR = 1L << 40;
    private static final long POISON = 0xAAAA_5555_DEAD_BEEFL;
    private static final RegionTable TABLE =
            new RegionTable(PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 200), new RegionTable.Entry(FAR, 100)));

    /** What catches faults. */
    enum Catching {
        USERFAULTFD(InterceptorChoice.USERFAULTFD, false),
        USERFAULTFD_WITH_REMOVALS(InterceptorChoice.USERFAULTFD, true),
        SOFTWARE(InterceptorChoice.SOFTWARE, false);

        final InterceptorChoice choice;
        final boolean removals;

        Catching(InterceptorChoice choice, boolean removals) {
            this.choice = choice;
            this.removals = removals;
        }

        Destination open(StreamingSource source) throws Exception {
            Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                    .withInterceptor(choice)
                    .withTrackRemovals(removals)
                    .withStreamAtOnce(false));
            destination.startStream();
            source.hear(FrameType.START);
            return destination;
        }
    }

    private static void awaitSettled(Destination destination, long pages) throws InterruptedException {
        Threads.await(
                pages + " pages settled", 10, () -> destination.statistics().pagesInPlace() == pages);
    }

    private static void assertWords(GuestMemory memory, long address, long word) {
        for (int offset = 0; offset < 4096; offset += 8) {
            assertThat(memory.getLong(address + offset))
                    .as("word at 0x%x", address + offset)
                    .isEqualTo(word);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void knownPages_comeWithoutARequest_andKeepWhatIsWritten_whateverComesLater(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            source.zero(0, 0, 50);
            source.free(0, 50, 50, POISON);
            awaitSettled(destination, 100);
            assertWords(memory, 7 << 12, 0);
            assertWords(memory, 57 << 12, POISON);
            memory.putLong(8 << 12, 1234);
            memory.putLong((58 << 12) + 8, 5678);
            source.pages(TABLE, 0, 0, 100);
            source.zero(0, 50, 10);
            source.pages(TABLE, 0, 100, 100);
            source.pages(TABLE, 1, 0, 99);
            awaitSettled(destination, 299);
            for (int page = 0; page < 100; page++) {
                if (page != 8 && page != 58) {
                    assertWords(memory, (long) page << 12, page < 50 ? 0 : POISON);
                }
            }
            assertThat(memory.getLong(8 << 12)).isEqualTo(1234);
            assertThat(memory.getLong((8 << 12) + 8)).isZero();
            assertThat(memory.getLong(58 << 12)).isEqualTo(POISON);
            assertThat(memory.getLong((58 << 12) + 8)).isEqualTo(5678);
            assertThat(source.requestCount()).isZero();
            assertThat(memory.getLong(FAR + (99 << 12))).isEqualTo(FakeSource.wordAt(FAR + (99 << 12)));
            PageCounts pages =
                    destination.completion().get(10, TimeUnit.SECONDS).pages();
            assertThat(pages.zero()).isEqualTo(50);
            assertThat(pages.free()).isEqualTo(50);
            assertThat(pages.duplicate()).isEqualTo(110);
            assertThat(pages.stream()).isEqualTo(199);
            assertThat(pages.demand()).isEqualTo(1);
        }
    }

    /** The kernel would still report a fault of such a page, in Java code: the bit would be a lie. */
    @ParameterizedTest
    @EnumSource(
            value = Catching.class,
            names = {"USERFAULTFD", "USERFAULTFD_WITH_REMOVALS"})
    void knownPage_isReceivedOnlyOnceItIsInPlace(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE);
                Destination destination = catching.open(source)) {
            AtomicBitmap received = destination.memory().region(0).received();
            source.zero(0, 0, 100);
            source.free(0, 100, 100, POISON);
            awaitSettled(destination, 200);
            assertThat(received.cardinality()).isZero();
            destination.memory().touch(5 << 12);
            destination.memory().touch(105 << 12);
            // The bit follows the wake-up.
            Threads.await("both received", 10, () -> received.get(5) && received.get(105));
            assertThat(received.cardinality()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void completion_leavesKnownPagesAsTheyAreKnown(Catching catching) throws Exception {
        RegionTable table = new RegionTable(
                PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 9000), new RegionTable.Entry(FAR, 100)));
        try (StreamingSource source = new StreamingSource(table, true, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            source.free(0, 10, 8000, POISON);
            source.zero(0, 8010, 990);
            source.free(1, 0, 100, POISON);
            awaitSettled(destination, 9090);
            memory.putLong(20 << 12, 3);
            source.pages(table, 0, 0, 10);
            destination.completion().get(20, TimeUnit.SECONDS);
            source.hear(FrameType.COMPLETE);
            assertThat(memory.region(0).received().cardinality()).isEqualTo(9000);
            assertThat(memory.getLong(20 << 12)).isEqualTo(3);
            memory.putLong(20 << 12, POISON);
            for (long page = 0; page < 9000; page++) {
                long address = page << 12;
                if (page < 10) {
                    assertThat(memory.getLong(address)).isEqualTo(FakeSource.wordAt(address));
                } else {
                    assertWords(memory, address, page < 8010 ? POISON : 0);
                }
            }
            assertWords(memory, FAR + (99 << 12), POISON);
            assertThat(source.requestCount()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void threadsThatWait_goOn_whenTheirPagesBecomeKnown(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, false, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> zero = Threads.start(() -> memory.getLong(70 << 12));
            FutureTask<Long> free = Threads.start(() -> memory.getLong(FAR + (3 << 12)));
            FutureTask<Long> freeAgain = Threads.start(() -> memory.getLong(FAR + (3 << 12) + 8));
            Frame first = source.nextRequest();
            Frame second = source.nextRequest();
            source.zero(0, 0, 200);
            source.free(1, 0, 100, POISON);
            assertThat(Threads.join(zero, 10)).isZero();
            assertThat(Threads.join(free, 10)).isEqualTo(POISON);
            assertThat(Threads.join(freeAgain, 10)).isEqualTo(POISON);
            assertThat(first.firstPage() + second.firstPage()).isEqualTo(73);
            destination.completion().get(10, TimeUnit.SECONDS);
            assertThat(memory.getLong(FAR + (3 << 12))).isEqualTo(POISON);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void freePageAsAnAnswer_isInPlaceForWhoWaits(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, false, Feature.FREE);
                Destination destination = catching.open(source)) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> waiter = Threads.start(() -> memory.getLong(70 << 12));
            Frame request = source.nextRequest();
            source.sync().send(FrameType.FREE, 0, 70, 1, request.id(), StreamingSource.word(POISON));
            assertThat(Threads.join(waiter, 10)).isEqualTo(POISON);
            awaitSettled(destination, 1);
            assertThat(destination.statistics().pages().free()).isEqualTo(1);
            assertWords(memory, 70 << 12, POISON);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void knownPages_areStillThere_whenTheSourceIsLost(Catching catching) throws Exception {
        try (StreamingSource source = new StreamingSource(TABLE, true, Feature.FREE);
                Destination destination = catching.open(source)) {
            source.free(0, 0, 100, POISON);
            source.zero(0, 100, 99);
            awaitSettled(destination, 199);
            source.close();
            assertThat(destination.completion()).failsWithin(Duration.ofSeconds(10));
            assertWords(destination.memory(), 99 << 12, POISON);
            assertWords(destination.memory(), 198 << 12, 0);
            assertThat(Threads.failure(Threads.start(() -> destination.memory().getLong(199 << 12)), 10))
                    .isInstanceOf(PageUnavailableException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(Catching.class)
    void close_whileThePatternIsPutInPlace_endsTheSession(Catching catching) throws Exception {
        RegionTable table = RegionTable.single(200_000);
        try (StreamingSource source = new StreamingSource(table, true, Feature.FREE)) {
            Destination destination = catching.open(source);
            source.free(0, 0, 200_000, POISON);
            awaitSettled(destination, 200_000);
            destination.close();
            // Which of the two came first is not the point: the future is done.
            assertThat(destination.completion().handle((statistics, error) -> "done"))
                    .succeedsWithin(Duration.ofSeconds(5))
                    .isEqualTo("done");
        }
    }
}
