package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.source.LivePageSource;
import org.userload.source.PageSourceException;
import org.userload.source.ServerConfig;
import org.userload.support.CountingGuest;
import org.userload.support.Patterns;
import org.userload.support.RawDestination;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.StampingGuest;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/** The source gives up what is in place at the destination, and nothing else. */
@Timeout(120)
class SourceReleaseTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PAGES = 4_096;

    /** So few that the destination by hand never acknowledges by itself. */
    private static final int WINDOW = 64;

    private static ServerConfig config() {
        return ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withReleaseSource(true);
    }

    /** Pages of a region that take host memory. */
    private static int residentPages(MemoryRegion region) throws IOException {
        try (RandomAccessFile pagemap = new RandomAccessFile("/proc/self/pagemap", "r")) {
            byte[] entries = new byte[(int) region.pageCount() * Long.BYTES];
            pagemap.seek((region.hostAddress() >>> 12) * Long.BYTES);
            pagemap.readFully(entries);
            ByteBuffer buffer = ByteBuffer.wrap(entries).order(ByteOrder.nativeOrder());
            int resident = 0;
            while (buffer.hasRemaining()) {
                resident += buffer.getLong() < 0 ? 1 : 0;
            }
            return resident;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "POSTCOPY, USERFAULTFD, 0", "POSTCOPY, SOFTWARE, 0", "POSTCOPY, USERFAULTFD, 20000",
        "HYBRID, USERFAULTFD, 0", "HYBRID, SOFTWARE, 20000", "PRECOPY, USERFAULTFD, 20000"
    })
    void writingGuest_movesWhole_andItsMemoryIsNotHeldTwice(
            MigrationMode mode, InterceptorChoice interceptor, long pauseNanos) throws Exception {
        long seed = Seeds.of("SourceReleaseTest");
        AtomicInteger running = new AtomicInteger();
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                StampingGuest here = new StampingGuest(memory, running, seed, PAGES / 4, pauseNanos)) {
            Patterns.fill(memory, seed);
            here.resume();
            try (MigrationSource source = MigrationSource.listen(config(), here, memory, MigrationPlan.of(mode));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint())
                                    .withInterceptor(interceptor)
                                    .withPrefetch(PrefetchPolicy.ADAPTIVE),
                            there -> new StampingGuest(there, running, seed, PAGES / 4, pauseNanos))) {
                source.migrate(PATIENCE);
                StampingGuest there = (StampingGuest)
                        destination.resumed().get(20, TimeUnit.SECONDS).guest();
                destination.completion().get(60, TimeUnit.SECONDS);
                source.completion().get(60, TimeUnit.SECONDS);
                there.pause();
                assertThat(there.isRight(destination.destination().memory(), seed))
                        .isTrue();
                if (mode != MigrationMode.PRECOPY) {
                    // A quarter of the pages are zero; the last ones may not be told of any more.
                    assertThat(source.givenUpPages()).isGreaterThan(PAGES / 2);
                }
            }
        }
    }

    @Test
    void sourcesMemory_falls_whileTheStreamGoesOn() throws Exception {
        long seed = Seeds.of("SourceReleaseTest");
        Link link = Link.parse("200mbit/200us");
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(memory, seed);
            int before = residentPages(memory.region(0));
            CountingGuest.Census census = new CountingGuest.Census();
            CountingGuest here = new CountingGuest(census, "here");
            here.resume();
            try (MigrationSource source = MigrationSource.listen(
                            config().withLink(link), here, memory, MigrationPlan.of(MigrationMode.POSTCOPY));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()).withLink(link),
                            there -> new CountingGuest(census, "there"))) {
                source.migrate(PATIENCE);
                AtomicBoolean fell = new AtomicBoolean();
                Threads.await("the source's memory to fall", 30, () -> {
                    fell.set(fell.get()
                            || (resident(memory) < 3 * before / 4
                                    && !destination.completion().isDone()));
                    return fell.get() || destination.completion().isDone();
                });
                assertThat(fell).isTrue();
                destination.completion().get(60, TimeUnit.SECONDS);
                assertThat(Patterns.firstDifference(destination.destination().memory(), seed))
                        .isEqualTo(-1);
                assertThat(resident(memory)).isLessThan(before / 2);
            }
        }
    }

    private static int resident(GuestMemory memory) {
        try {
            return residentPages(memory.region(0));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A source whose guest does nothing, and a destination by hand that acknowledges when the test says so. */
    private static final class ByHand implements AutoCloseable {
        final long seed = Seeds.of("SourceReleaseTest");
        final GuestMemory memory = GuestMemory.present(RegionTable.single(1_000));
        final CountingGuest.Census census = new CountingGuest.Census();
        final CountingGuest guest = new CountingGuest(census, "here");
        final MigrationSource source;
        final RawDestination destination;

        ByHand(boolean releases) throws IOException {
            Patterns.fill(memory, seed);
            guest.resume();
            source = MigrationSource.listen(
                    config().withReleaseSource(releases), guest, memory, MigrationPlan.of(MigrationMode.POSTCOPY));
            destination = RawDestination.attach(source.endpoint()).withoutAcknowledging();
        }

        ByHand migrated() {
            destination.takeGuest(WINDOW);
            source.migrate(PATIENCE);
            return this;
        }

        /** Whether a page is what it was; fails when it is anything but that or gone. */
        boolean isHere(int page) {
            if (!memory.region(0).received().get(page)) {
                assertThatThrownBy(() -> memory.getLong((long) page << 12)).hasMessageContaining("moved away");
                return false;
            }
            for (long at = (long) page << 12; at < (page + 1L) << 12; at += 8) {
                assertThat(memory.getLong(at)).as("word at 0x%x", at).isEqualTo(Patterns.wordAt(at, seed));
            }
            return true;
        }

        boolean isZero(int page) {
            return Patterns.wordAt((long) page << 12, seed) == 0;
        }

        long pagesHere() {
            long here = 0;
            for (int page = 0; page < 1_000; page++) {
                here += isHere(page) ? 1 : 0;
            }
            return here;
        }

        int contentPage(int from) {
            return isZero(from) ? from + 1 : from;
        }

        @Override
        public void close() throws IOException {
            destination.close();
            source.close();
            memory.close();
        }
    }

    @Test
    void pageThatIsNotAcknowledged_isNeverGivenUp() throws Exception {
        try (ByHand moved = new ByHand(true).migrated()) {
            moved.destination.awaitContentOrMark();
            // Nothing was acknowledged: some of it has come, all of it is here.
            assertThat(moved.source.givenUpPages()).isZero();
            assertThat(moved.pagesHere()).isEqualTo(1_000);
            long acknowledged = moved.destination.acknowledge();
            Threads.await("pages given up", 20, () -> moved.source.givenUpPages() == acknowledged);
            long here = 0;
            for (int page = 0; page < 1_000; page++) {
                boolean isHere = moved.isHere(page);
                here += isHere ? 1 : 0;
                assertThat(isHere || moved.destination.has(0, page))
                        .as("page %d", page)
                        .isTrue();
            }
            assertThat(here).isEqualTo(1_000 - acknowledged);
            assertThat(moved.source.givenUpPages()).isEqualTo(acknowledged);
        }
    }

    @Test
    void pageThatCameOnDemand_isKept_untilItIsSaidToBeInPlace() throws Exception {
        try (ByHand moved = new ByHand(true)) {
            moved.destination.takeGuest(0);
            moved.source.migrate(PATIENCE);
            int page = moved.contentPage(500);
            moved.destination.sync().send(FrameType.REQUEST, 0, page, 1, 1, new byte[0]);
            assertThat(moved.destination.sync().read().is(FrameType.PAGES)).isTrue();
            assertThat(moved.isHere(page)).isTrue();
            moved.destination.stream().send(FrameType.INSTALLED, 0, page, 1);
            Threads.await("the page given up", 20, () -> moved.source.givenUpPages() == 1);
            assertThat(moved.isHere(page)).isFalse();
            assertThat(moved.pagesHere()).isEqualTo(999);
            // Who asks again is told that it has it, and gets the pages around it.
            moved.destination.sync().send(FrameType.REQUEST, 0, page - 2, 5, 2, new byte[0]);
            int answered = 0;
            while (answered < 5) {
                Frame answer = moved.destination.sync().read();
                boolean isGone = answer.firstPage() == page;
                assertThat(answer.is(FrameType.INSTALLED)).isEqualTo(isGone);
                assertThat(answer.id()).isEqualTo(2);
                answered += (int) answer.count();
            }
        }
    }

    @Test
    void nothingIsGivenUp_beforeTheDestinationSaysThatItRunsTheGuest() throws Exception {
        try (ByHand moving = new ByHand(true)) {
            FutureTask<Long> migrating = Threads.start(() -> moving.source.migrate(PATIENCE));
            moving.destination.control().read();
            moving.destination.control().send(FrameType.READY, 0, 0, 0);
            assertThat(moving.destination.control().read().is(FrameType.COMMIT)).isTrue();
            moving.destination.start(WINDOW).acknowledgeFromNowOn();
            moving.destination.awaitPresent(WINDOW);
            moving.destination.acknowledge();
            // All of it has come, so most of it was acknowledged.
            moving.destination.awaitEndOfStream();
            assertThat(moving.source.givenUpPages()).isZero();
            assertThat(moving.pagesHere()).isEqualTo(1_000);
            moving.destination.control().send(FrameType.STARTED, 0, 1, 0);
            Threads.join(migrating, 20);
            Threads.await("pages given up", 20, () -> moving.source.givenUpPages() > 700);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ACK, 900, 1, never sent",
        "INSTALLED, 900, 1, never sent",
        "INSTALLED, 999, 2, which has 1000 pages",
        "INSTALLED, 0, 0, at most"
    })
    void acknowledgementOfWhatWasNotSent_endsTheSession(FrameType type, long first, int count, String message)
            throws Exception {
        try (ByHand moved = new ByHand(true).migrated()) {
            moved.destination.awaitContentOrMark();
            moved.destination.stream().send(type, 0, first, count);
            assertThatThrownBy(() -> moved.source.completion().get(20, TimeUnit.SECONDS))
                    .hasMessageContaining(message);
            assertThat(moved.pagesHere()).isEqualTo(1_000);
        }
    }

    @Test
    void sourceThatKeepsItsPages_refusesINSTALLED() throws Exception {
        try (ByHand moved = new ByHand(false).migrated()) {
            moved.destination.awaitContentOrMark();
            moved.destination.stream().send(FrameType.INSTALLED, 0, 0, 1);
            assertThatThrownBy(() -> moved.source.completion().get(20, TimeUnit.SECONDS))
                    .hasMessageContaining("was not agreed on");
        }
    }

    /** The request loop may be reading a page that the stream loop gives up. Long runs, so that it happens in the middle. */
    @Test
    void readThatRacesWithGivingUp_givesTheContent_orThrows() throws Exception {
        int run = 256;
        int runs = 200;
        SplittableRandom random = Seeds.random("SourceReleaseTest");
        try (GuestMemory memory = GuestMemory.present(RegionTable.single((long) run * runs))) {
            memory.fill(0, memory.sizeBytes(), (byte) 7);
            LivePageSource source = new LivePageSource(memory, "a guest");
            AtomicInteger at = new AtomicInteger();
            FutureTask<Integer> reading = Threads.start(() -> {
                ByteBuffer bytes = ByteBuffer.allocateDirect(run << 12);
                int thrown = 0;
                int read = 0;
                while (read < runs) {
                    at.set(read);
                    try {
                        bytes.clear();
                        source.read(0, (long) read * run, run, bytes);
                        for (int i = 0; i < run << 12; i += 512) {
                            assertThat(bytes.get(i)).as("byte %d", i).isEqualTo((byte) 7);
                        }
                    } catch (PageSourceException e) {
                        thrown++;
                        read++;
                    }
                }
                return thrown;
            });
            for (int i = 0; i < runs; i++) {
                while (at.get() < i && !reading.isDone()) {
                    Thread.onSpinWait();
                }
                for (int spins = random.nextInt(100_000); spins > 0; spins--) {
                    Thread.onSpinWait();
                }
                source.giveUp(0, (long) i * run + random.nextInt(run / 2, run), 1);
            }
            assertThat(Threads.join(reading, 60)).isEqualTo(runs);
            source.close();
        }
    }
}
