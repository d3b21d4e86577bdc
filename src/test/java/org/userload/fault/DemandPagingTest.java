package org.userload.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.destination.SourceLostException;
import org.userload.linux.Errno;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.support.FakeSource;
import org.userload.support.NativeTouch;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** Faults on their way to a source and back, with both interceptors. */
@Timeout(60)
@SuppressWarnings("try") // closes in the middle on purpose
class DemandPagingTest {
    private static final long FAR = 1L << 40;
    private static final RegionTable TABLE =
            new RegionTable(PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 600), new RegionTable.Entry(FAR, 100)));

    /** Keeps requests until the test answers them. */
    private static final class Holding extends FakeSource.Script {
        final LinkedBlockingQueue<Frame> held = new LinkedBlockingQueue<>();

        final AtomicBoolean started = new AtomicBoolean();

        @Override
        protected void request(FakeSource source, RawPeer peer, Frame request) {
            held.add(request);
        }

        @Override
        protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) {
            started.compareAndSet(false, frame.is(FrameType.START));
        }

        Frame next() throws InterruptedException {
            Frame frame = held.poll(10, TimeUnit.SECONDS);
            if (frame == null) {
                throw new AssertionError("no request");
            }
            return frame;
        }
    }

    private static Destination open(FakeSource source, InterceptorChoice choice) throws Exception {
        return Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withDeadline(Duration.ofSeconds(20))
                .withStreamAtOnce(false));
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void missingPage_isRequestedOnce_andWakesEveryone_whenManyThreadsWaitForIt(InterceptorChoice choice)
            throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = open(source, choice)) {
            GuestMemory memory = destination.memory();
            long address = FAR + (7 << 12) + 24;
            List<FutureTask<Long>> readers = Threads.start(16, () -> memory.getLong(address));
            Frame request = script.next();
            assertThat(request.region()).isEqualTo(1);
            assertThat(request.firstPage()).isEqualTo(7);
            assertThat(request.count()).isEqualTo(1);
            Threads.await("every reader waits", 10, () -> Threads.inside(DemandPagingTest.class, "awaitPage") == 16);
            assertThat(readers).noneMatch(FutureTask::isDone);
            source.answer(source.peer(Role.SYNC), request);
            for (FutureTask<Long> reader : readers) {
                assertThat(Threads.join(reader, 10)).isEqualTo(FakeSource.wordAt(address));
            }
            assertThat(source.requestsFor(1, 7)).isEqualTo(1);
            assertThat(source.requestCount()).isEqualTo(1);
            assertThat(destination.statistics().pages().duplicate()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void missingPage_isRequestedOnce_whenManyThreadsTouchItWhileItArrives(InterceptorChoice choice) throws Exception {
        int threads = 6;
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script());
                Destination destination = open(source, choice)) {
            GuestMemory memory = destination.memory();
            CyclicBarrier barrier = new CyclicBarrier(threads);
            List<FutureTask<String>> readers = Threads.start(threads, () -> {
                for (long page = 0; page < 600; page++) {
                    if (page % 8 == 0) {
                        barrier.await(20, TimeUnit.SECONDS);
                    }
                    long address = page << 12;
                    assertThat(memory.getLong(address)).isEqualTo(FakeSource.wordAt(address));
                }
                return "done";
            });
            for (FutureTask<String> reader : readers) {
                assertThat(Threads.join(reader, 40)).isEqualTo("done");
            }
            for (long page = 0; page < 600; page++) {
                assertThat(source.requestsFor(0, page)).as("page %d", page).isEqualTo(1);
            }
            // Threads wake when their page is in, which is just before it is counted.
            Threads.await(
                    "600 pages counted",
                    5,
                    () -> destination.statistics().pages().demand() == 600);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void threadsThatWait_wakeWhenTheStreamBringsTheirPages_thoughNobodyAnswersThem(InterceptorChoice choice)
            throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = open(source, choice)) {
            GuestMemory memory = destination.memory();
            long[] pages = {105, 107, 111, 203, 470};
            AtomicInteger next = new AtomicInteger();
            List<FutureTask<Long>> readers =
                    Threads.start(pages.length, () -> memory.getLong(pages[next.getAndIncrement()] << 12));
            for (int i = 0; i < pages.length; i++) {
                script.next();
            }
            destination.startStream();
            Threads.await("the stream is started", 10, () -> script.started.get());
            RawPeer stream = source.peer(Role.STREAM);
            stream.send(FrameType.PAGES, 0, 104, 8, 0, FakeSource.content(TABLE, 0, 104, 8));
            stream.send(FrameType.ZERO, 0, 200, 300);
            int[] zero = new int[1];
            for (FutureTask<Long> reader : readers) {
                if (Threads.join(reader, 10) == 0) {
                    zero[0]++;
                }
            }
            assertThat(zero[0]).isEqualTo(2);
            assertThat(destination.statistics().pages().demand()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void lostSource_wakesEveryWaiterWithAnErrorThatNamesItsPage_andPresentPagesStay(InterceptorChoice choice)
            throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = open(source, choice)) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> present = Threads.start(() -> memory.getLong(5 << 12));
            source.answer(source.peer(Role.SYNC), script.next());
            Threads.join(present, 10);

            AtomicInteger page = new AtomicInteger(10);
            List<FutureTask<Long>> readers =
                    Threads.start(8, () -> memory.getLong(FAR + ((long) page.getAndIncrement() << 12)));
            for (int i = 0; i < 8; i++) {
                script.next();
            }
            source.close();
            List<Long> pages = new java.util.ArrayList<>();
            for (FutureTask<Long> reader : readers) {
                Throwable failure = Threads.failure(reader, 10);
                assertThat(failure).isInstanceOf(PageUnavailableException.class);
                PageUnavailableException unavailable = (PageUnavailableException) failure;
                assertThat(unavailable.region()).isEqualTo(1);
                assertThat(unavailable)
                        .hasMessageContaining("page " + unavailable.page() + " of region 1")
                        .hasMessageContaining(source.endpoint().toString());
                pages.add(unavailable.page());
            }
            assertThat(pages).containsExactlyInAnyOrder(10L, 11L, 12L, 13L, 14L, 15L, 16L, 17L);
            assertThat(memory.getLong(5 << 12)).isEqualTo(FakeSource.wordAt(5 << 12));
            assertThatThrownBy(() -> memory.getLong(0)).isInstanceOf(PageUnavailableException.class);
            assertThatThrownBy(() -> memory.putLong(FAR + (10 << 12), 1)).isInstanceOf(PageUnavailableException.class);
            assertThat(destination.completion())
                    .failsWithin(Duration.ofSeconds(5))
                    .withThrowableThat()
                    .withCauseInstanceOf(SourceLostException.class);
        }
    }

    @Test
    void lostSource_isAnErrorForSystemCalls_andNeverASilentZero() throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = open(source, InterceptorChoice.USERFAULTFD)) {
            GuestMemory memory = destination.memory();
            FutureTask<Long> waiting = Threads.start(() -> NativeTouch.readBytes(memory.nativeAddress(3 << 12), 8));
            FutureTask<Long> present = Threads.start(() -> NativeTouch.readBytes(memory.nativeAddress(4 << 12), 8));
            for (int i = 0; i < 2; i++) {
                Frame request = script.next();
                if (request.firstPage() == 4) {
                    source.answer(source.peer(Role.SYNC), request);
                }
            }
            assertThat(Threads.join(present, 10)).isEqualTo(8);
            source.close();
            assertThat(Threads.join(waiting, 10)).isEqualTo(-Errno.EFAULT);
            assertThat(NativeTouch.readBytes(memory.nativeAddress(3 << 12), 8)).isEqualTo(-Errno.EFAULT);
            assertThat(NativeTouch.readBytes(memory.nativeAddress(FAR), 8)).isEqualTo(-Errno.EFAULT);
            assertThat(NativeTouch.readBytes(memory.nativeAddress(4 << 12), 8)).isEqualTo(8);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void close_wakesEveryWaiterWithAnError(InterceptorChoice choice) throws Exception {
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(TABLE, script)) {
            Destination destination = open(source, choice);
            GuestMemory memory = destination.memory();
            AtomicInteger page = new AtomicInteger();
            List<FutureTask<Long>> readers =
                    Threads.start(8, () -> memory.getLong((long) page.getAndIncrement() << 12));
            for (int i = 0; i < 8; i++) {
                script.next();
            }
            destination.close();
            for (FutureTask<Long> reader : readers) {
                assertThat(Threads.failure(reader, 10)).isInstanceOf(PageUnavailableException.class);
            }
            assertThat(destination.completion())
                    .failsWithin(Duration.ofSeconds(5))
                    .withThrowableThat()
                    .withMessageContaining("closed");
            assertThatThrownBy(() -> memory.getLong(0)).isInstanceOf(IllegalStateException.class);
            destination.close();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void threadsThatTouchWhileItCloses_getTheRightErrorOrTheRightValue(InterceptorChoice choice) throws Exception {
        SplittableRandom random = Seeds.random("DemandPagingTest close " + choice);
        try (FakeSource source = new FakeSource(TABLE, new FakeSource.Script())) {
            for (int round = 0; round < 30; round++) {
                Destination destination = open(source, choice);
                GuestMemory memory = destination.memory();
                SplittableRandom own = random.split();
                AtomicInteger touched = new AtomicInteger();
                List<FutureTask<Long>> readers = Threads.start(4, () -> {
                    SplittableRandom pages;
                    synchronized (own) {
                        pages = own.split();
                    }
                    while (true) {
                        long address = (long) pages.nextInt(600) << 12;
                        memory.getLong(address);
                        touched.incrementAndGet();
                    }
                });
                int enough = random.nextInt(200);
                Threads.await("touches", 10, () -> touched.get() >= enough);
                destination.close();
                for (FutureTask<Long> reader : readers) {
                    assertThat(Threads.failure(reader, 10))
                            .isInstanceOfAny(PageUnavailableException.class, IllegalStateException.class)
                            .hasMessageContaining("closed");
                }
            }
        }
    }
}
