package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.linux.Mapping;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.Role;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.FakeSource;
import org.userload.support.NativeTouch;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** Pages that the guest drops itself are zeros from then on, whatever is on its way from the source. */
@Timeout(60)
class RemovedPagesTest {
    private static final RegionTable TABLE = RegionTable.single(256);

    private static final class Holding extends FakeSource.Script {
        final LinkedBlockingQueue<Frame> held = new LinkedBlockingQueue<>();

        @Override
        protected void request(FakeSource source, RawPeer peer, Frame request) {
            held.add(request);
        }
    }

    private static DestinationConfig tracking(Endpoint source) {
        return DestinationConfig.from(source)
                .withInterceptor(InterceptorChoice.USERFAULTFD)
                .withStreamAtOnce(false)
                .withTrackRemovals(true);
    }

    private static void drop(GuestMemory memory, long page, long count) {
        Mapping.discard(memory.region(0).hostAddressOf(page), count << 12);
    }

    @Test
    void pageDroppedBeforeItCame_isZero_andNobodyAsksForIt() throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = Destination.open(tracking(source.endpoint()))) {
            GuestMemory memory = destination.memory();
            drop(memory, 10, 4);
            for (long page = 10; page < 14; page++) {
                assertThat(memory.getLong(page << 12)).isZero();
            }
            assertThat(source.requestCount()).isZero();
            assertThat(memory.getLong(14 << 12)).isEqualTo(FakeSource.wordAt(14 << 12));
            memory.putLong(11 << 12, 5);
            assertThat(memory.getLong(11 << 12)).isEqualTo(5);
        }
    }

    @Test
    void pageDroppedAfterItCame_isZero_alsoWhenItIsDroppedTwice() throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = Destination.open(tracking(source.endpoint()))) {
            GuestMemory memory = destination.memory();
            for (int round = 0; round < 3; round++) {
                assertThat(memory.getLong(8)).isEqualTo(round == 0 ? FakeSource.wordAt(8) : 0);
                memory.putLong(8, 77);
                assertThat(memory.getLong(8)).isEqualTo(77);
                drop(memory, 0, 1);
            }
            assertThat(source.requestCount()).isEqualTo(1);
        }
    }

    @Test
    void threadThatWaitsForAPage_getsZero_whenThePageIsDroppedBeforeTheAnswer() throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = Destination.open(tracking(source.endpoint()))) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> reader = Threads.start(() -> memory.getLong(20 << 12));
            Frame request = script.held.poll(10, TimeUnit.SECONDS);
            assertThat(request).isNotNull();
            drop(memory, 20, 1);
            source.answer(source.peer(Role.SYNC), request);
            assertThat(Threads.join(reader, 10)).isZero();
            assertThat(memory.getLong(20 << 12)).isZero();
        }
    }

    @Test
    void droppedPages_needNotComeForTheSessionToBeComplete() throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = Destination.open(tracking(source.endpoint()))) {
            GuestMemory memory = destination.memory();
            for (long page = 0; page < 100; page++) {
                memory.touch(page << 12);
            }
            drop(memory, 50, 100);
            for (long page = 150; page < 256; page++) {
                memory.touch(page << 12);
            }
            destination.completion().get(10, TimeUnit.SECONDS);
            for (long page = 0; page < 256; page++) {
                boolean dropped = page >= 50 && page < 150;
                assertThat(memory.getLong(page << 12)).isEqualTo(dropped ? 0 : FakeSource.wordAt(page << 12));
            }
            assertThat(source.requestCount()).isEqualTo(100 + 106);
        }
    }

    @Test
    void dropsThatRaceTheStream_areNeverUndone_andNoOtherPageIsLost() throws Exception {
        SplittableRandom random = Seeds.random("RemovedPagesTest");
        RegionTable table = RegionTable.single(6000);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(6);
        int rounds = 0;
        try (GuestMemory origin = GuestMemory.present(table)) {
            for (long address = 0; address < table.totalBytes(); address += 8) {
                origin.putLong(address, FakeSource.wordAt(address));
            }
            try (PageServer server = PageServer.serve(
                    Endpoint.parse("127.0.0.1:0"), new LivePageSource(origin, "guest"), new ServerListener() {})) {
                while (System.nanoTime() < end) {
                    race(server.endpoint(), table, random);
                    rounds++;
                }
            }
        }
        System.out.println("RemovedPagesTest: " + rounds + " rounds");
    }

    /** Two threads drop pages right where the stream is; a third touches pages all over. */
    private static void race(Endpoint endpoint, RegionTable table, SplittableRandom random) throws Exception {
        int pages = (int) table.totalPages();
        try (Destination destination = Destination.open(tracking(endpoint).withWindowPages(64))) {
            GuestMemory memory = destination.memory();
            AtomicBitmap received = memory.region(0).received();
            AtomicInteger half = new AtomicInteger();
            long seed = random.nextLong();
            destination.startStream();
            List<FutureTask<BitSet>> droppers = Threads.start(2, () -> {
                int mine = half.getAndIncrement();
                SplittableRandom own = new SplittableRandom(seed + mine);
                BitSet dropped = new BitSet(pages);
                while (!destination.completion().isDone()) {
                    long frontier = received.nextClear(mine * pages / 2, pages);
                    long first = Math.max(0, frontier + own.nextInt(-6, 20));
                    int count = (int) Math.min(own.nextInt(1, 9), pages - first);
                    if (count < 1) {
                        break;
                    }
                    drop(memory, first, count);
                    dropped.set((int) first, (int) first + count);
                    long page = first + own.nextInt(count);
                    assertThat(NativeTouch.readBytes(memory.region(0).hostAddressOf(page), 8))
                            .isEqualTo(8);
                }
                return dropped;
            });
            FutureTask<String> toucher = Threads.start(() -> {
                SplittableRandom own = new SplittableRandom(seed + 2);
                while (!destination.completion().isDone()) {
                    NativeTouch.readBytes(memory.region(0).hostAddressOf(own.nextInt(pages)), 8);
                }
                return "done";
            });
            DestinationStatistics statistics = destination.completion().get(30, TimeUnit.SECONDS);
            BitSet dropped = new BitSet(pages);
            for (FutureTask<BitSet> dropper : droppers) {
                dropped.or(Threads.join(dropper, 20));
            }
            Threads.join(toucher, 20);
            for (int page = 0; page < pages; page++) {
                long address = (long) page << 12;
                assertThat(memory.getLong(address))
                        .as("page %d, %s, %s", page, dropped.get(page) ? "dropped" : "kept", statistics.pages())
                        .isEqualTo(dropped.get(page) ? 0 : FakeSource.wordAt(address));
            }
        }
    }

    @Test
    void close_isQuick_whileADropWaitsForItsEventToBeRead() throws Exception {
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script())) {
            for (int round = 0; round < 10; round++) {
                Destination destination = Destination.open(tracking(source.endpoint()));
                GuestMemory memory = destination.memory();
                long address = memory.region(0).hostAddress();
                AtomicInteger drops = new AtomicInteger();
                java.util.concurrent.atomic.AtomicBoolean stop = new java.util.concurrent.atomic.AtomicBoolean();
                FutureTask<String> dropper = Threads.start(() -> {
                    while (!stop.get()) {
                        Mapping.discard(address, 64 << 12);
                        drops.incrementAndGet();
                    }
                    return "done";
                });
                Threads.await("drops", 10, () -> drops.get() > 5);
                long start = System.nanoTime();
                destination.close();
                assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(3));
                stop.set(true);
                assertThat(Threads.join(dropper, 10)).isEqualTo("done");
            }
        }
    }
}
