package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.channel.ChannelClosedException;
import org.userload.channel.ChannelEnd;
import org.userload.channel.ChannelLayout;
import org.userload.channel.ChannelLimits;
import org.userload.channel.GuestChannel;
import org.userload.channel.HostChannel;
import org.userload.channel.RingPipe;
import org.userload.channel.SendOutcome;
import org.userload.support.RawGuest;
import org.userload.support.Seeds;
import org.userload.support.Threads;

@Timeout(120)
class GuestMemoryPortTest {
    private static final int PAGES = 1 << 20;
    private static final int PORT = 2;
    private static final int RANDOM_FRAMES = 100_000;
    private static final Duration LIMIT = Duration.ofSeconds(40);
    private static final Duration SHORT_LIMIT = Duration.ofMillis(50);

    private final RingPipe.Pair pipes = RingPipe.pair(RingPipe.DEFAULT_BYTES);
    private final Heard heard = new Heard();
    private final List<AutoCloseable> opened = new ArrayList<>();

    /** What the listener got. */
    private static final class Heard implements GuestMemoryListener {
        private final List<String> events = new ArrayList<>();

        private synchronized void add(String event) {
            events.add(event);
        }

        private synchronized List<String> events() {
            return List.copyOf(events);
        }

        private static String text(RangeBatch pages) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < pages.size(); i++) {
                text.append(' ').append(pages.first(i)).append('+').append(pages.count(i));
            }
            return text.toString();
        }

        @Override
        public HintResult inflate(RangeBatch pages) {
            add("inflate" + text(pages));
            return new HintResult.Accepted(1);
        }

        @Override
        public HintResult deflate(RangeBatch pages) {
            add("deflate" + text(pages));
            return new HintResult.Refused(Refusal.NOT_RELEASED, 1, 9, 3);
        }

        @Override
        public void available(long pages) {
            add("available " + pages);
        }

        @Override
        public void connected() {
            add("connected");
        }

        @Override
        public void disconnected() {
            add("disconnected");
        }
    }

    /** Pages that a sink got. */
    private static final class Free implements FreePageSink {
        private final BitSet pages = new BitSet();
        private final AtomicBoolean ended = new AtomicBoolean();
        private final AtomicInteger late = new AtomicInteger();

        @Override
        public synchronized void free(long guestAddress, long count) {
            if (ended.get()) {
                late.incrementAndGet();
            }
            int first = (int) (guestAddress >> MemoryMessage.PAGE_SHIFT);
            pages.set(first, (int) (first + count));
        }

        synchronized BitSet pages() {
            return (BitSet) pages.clone();
        }
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.add(0, resource);
        return resource;
    }

    private HostChannel host(GuestMemoryPort port) {
        return opened(HostChannel.open(pipes.host(), ChannelLimits.DEFAULT, List.of(port)));
    }

    private GuestMemoryAgent agent(GuestFreeMemory memory, GuestBalloon balloon) throws Exception {
        GuestChannel channel = opened(GuestChannel.open(pipes.guest(), ChannelLimits.DEFAULT));
        GuestMemoryAgent agent = opened(GuestMemoryAgent.open(channel, memory, balloon));
        agent.connected().get(30, TimeUnit.SECONDS);
        return agent;
    }

    private RawGuest rawGuest() throws IOException {
        RawGuest guest = opened(new RawGuest(pipes.guest()));
        guest.open(PORT, MemoryMessage.VERSION, MemoryMessage.PORT);
        return guest;
    }

    private static long asked(RawGuest guest) throws IOException {
        RawGuest.Frame frame = guest.next();
        assertThat(frame.type()).isEqualTo(MemoryMessage.HINT_START);
        return frame.body().getLong();
    }

    private static byte[] longs(long... values) {
        ByteBuffer body = ByteBuffer.allocate(values.length * Long.BYTES);
        body.asLongBuffer().put(values);
        return body.array();
    }

    private static void get(CompletableFuture<?> future) throws Exception {
        future.get(60, TimeUnit.SECONDS);
    }

    private static void assertFails(CompletableFuture<?> future, String message) {
        assertThatThrownBy(() -> get(future))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(GuestUnreachableException.class)
                .hasMessageContaining(message);
    }

    @Test
    void report_givesExactlyTheFreePages_asRangesAndAsBits() throws Exception {
        SplittableRandom random = Seeds.random("report_givesExactlyTheFreePages");
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        BitSet free = new BitSet();
        agent(
                into -> {
                    long[] words = new long[PAGES / 2 / Long.SIZE];
                    long[] used = free.get(0, PAGES / 2).toLongArray();
                    System.arraycopy(used, 0, words, 0, used.length);
                    into.bits(0, words, 0, words.length);
                    for (int at = free.nextSetBit(PAGES / 2); at >= 0; ) {
                        int end = free.nextClearBit(at);
                        into.range(at, end - at);
                        at = free.nextSetBit(end);
                    }
                },
                GuestBalloon.NONE);
        for (int id = 1; id <= 5; id++) {
            free.clear();
            for (int i = 0; i < 20_000 * id; i++) {
                int page = random.nextInt(PAGES - 300);
                free.set(page, page + 1 + random.nextInt(i % 100 == 0 ? 300 : 3));
            }
            Free sink = new Free();
            get(port.report(id, sink));
            assertThat(sink.pages()).isEqualTo(free);
        }
        assertThat(port.staleMessages()).isZero();
        assertThat(port.hintBytes()).isPositive();
    }

    @Test
    void hintsWithTheIdOfAnotherReport_areDroppedAndCounted() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        RawGuest guest = rawGuest();
        Free first = new Free();
        Free second = new Free();
        CompletableFuture<Void> superseded = port.report(1, first);
        long firstId = asked(guest);
        // Another migration counts its ids from 1 again.
        CompletableFuture<Void> wanted = port.report(1, second);
        get(superseded);
        long secondId = asked(guest);
        assertThat(secondId).isNotEqualTo(firstId);
        guest.sendMessage(PORT, MemoryMessage.FREE_RANGES, longs(firstId, MemoryMessage.range(10, 5)));
        guest.sendMessage(PORT, MemoryMessage.FREE_BITMAP, longs(firstId, 64, 64, -1L));
        guest.sendMessage(PORT, MemoryMessage.HINT_DONE, longs(firstId));
        guest.sendMessage(PORT, MemoryMessage.FREE_RANGES, longs(secondId + 1, MemoryMessage.range(10, 5)));
        guest.sendMessage(PORT, MemoryMessage.FREE_RANGES, longs(secondId, MemoryMessage.range(20, 5)));
        guest.sendMessage(PORT, MemoryMessage.HINT_DONE, longs(secondId));
        get(wanted);
        guest.sendMessage(PORT, MemoryMessage.HINT_DONE, longs(secondId));
        guest.sendMessage(PORT, MemoryMessage.FREE_RANGES, longs(secondId, MemoryMessage.range(30, 5)));
        Threads.await("stale messages", 20, () -> port.staleMessages() == 6);
        assertThat(first.pages().isEmpty()).isTrue();
        BitSet expected = new BitSet();
        expected.set(20, 25);
        assertThat(second.pages()).isEqualTo(expected);
    }

    @Test
    void stop_inTheMiddle_endsTheReportAtBothEnds_andItsSinkIsNotCalledAgain() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        CountDownLatch stopped = new CountDownLatch(3);
        agent(
                into -> {
                    long page = 0;
                    while (into.range(page % PAGES, 1)) {
                        page += 2;
                    }
                    stopped.countDown();
                },
                GuestBalloon.NONE);
        for (int id = 1; id <= 3; id++) {
            Free sink = new Free();
            CompletableFuture<Void> report = port.report(id, sink);
            Threads.await("some hints", 30, () -> !sink.pages().isEmpty());
            port.stop(id + 1);
            assertThat(report).isNotDone();
            port.stop(id);
            sink.ended.set(true);
            get(report);
            port.stop(id);
            long left = stopped.getCount();
            Threads.await("a guest that stops", 30, () -> stopped.getCount() <= Math.max(left - 1, 3 - 1));
            assertThat(sink.late.get()).isZero();
        }
        assertThat(stopped.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void guestThatNeverAnswers_endsTheReportInTime_andMayReportLater() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, SHORT_LIMIT);
        host(port);
        RawGuest guest = rawGuest();
        CompletableFuture<Void> report = port.report(7, new Free());
        long id = asked(guest);
        assertFails(report, "did not report its free pages within 50 ms");
        assertThat(guest.next().type()).isEqualTo(MemoryMessage.HINT_STOP);
        guest.sendMessage(PORT, MemoryMessage.HINT_DONE, longs(id));
        Threads.await("a stale message", 20, () -> port.staleMessages() == 1);
    }

    @Test
    void guestThatIsNotThereYet_isAskedWhenItComes_orTheReportEndsInTime() throws Exception {
        assertFails(new GuestMemoryPort(heard, SHORT_LIMIT).report(1, new Free()), "within 50 ms");
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        Free sink = new Free();
        CompletableFuture<Void> report = port.report(1, sink);
        agent(into -> into.range(3, 4), GuestBalloon.NONE);
        get(report);
        assertThat(sink.pages().cardinality()).isEqualTo(4);
    }

    @Test
    void guestThatDiesInTheMiddle_endsTheReport() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        HostChannel host = host(port);
        RawGuest guest = rawGuest();
        CompletableFuture<Void> report = port.report(1, new Free());
        long id = asked(guest);
        guest.sendMessage(PORT, MemoryMessage.FREE_RANGES, longs(id, MemoryMessage.range(10, 5)));
        guest.close();
        assertFails(report, "closed its channel");
        host.ended().get(30, TimeUnit.SECONDS);
        assertThat(port.isConnected()).isFalse();
        assertThat(port.balloonTarget(1)).isEqualTo(SendOutcome.CLOSED);
        assertThat(heard.events()).containsExactly("connected", "disconnected");
    }

    @Test
    void guestThatReadsNothing_cannotBeAsked_andNothingPilesUp() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        HostChannel host = host(port);
        rawGuest();
        List<CompletableFuture<Void>> reports = new ArrayList<>();
        while (port.balloonTarget(1) == SendOutcome.SENT) {
            assertThat(host.mostWaitingBytes()).isLessThanOrEqualTo(ChannelLimits.DEFAULT.outboundBytes());
        }
        // A last small message may still find room while the thread writes.
        for (int id = 1;
                id <= 100_000 && reports.stream().noneMatch(CompletableFuture::isCompletedExceptionally);
                id++) {
            reports.clear();
            reports.add(port.report(id, new Free()));
        }
        assertFails(reports.get(0), "does not read");
        assertThat(host.mostWaitingBytes()).isLessThanOrEqualTo(ChannelLimits.DEFAULT.outboundBytes());
    }

    @Test
    void concurrentReports_allEnd_andEachSinkGetsOnlyItsOwn() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        agent(
                into -> {
                    for (int page = 0; page < 200_000 && into.range(page, 1); page += 2) {
                        // All of them.
                    }
                },
                GuestBalloon.NONE);
        AtomicInteger ids = new AtomicInteger();
        List<FutureTask<Integer>> reporters = Threads.start(4, () -> {
            int late = 0;
            for (int i = 0; i < 50; i++) {
                Free sink = new Free();
                int id = ids.incrementAndGet();
                CompletableFuture<Void> report = port.report(id, sink);
                if (i % 3 == 0) {
                    port.stop(id);
                }
                get(report);
                sink.ended.set(true);
                late += sink.late.get();
            }
            return late;
        });
        for (FutureTask<Integer> reporter : reporters) {
            assertThat(Threads.join(reporter, 90)).isZero();
        }
        Free last = new Free();
        get(port.report(ids.incrementAndGet(), last));
        assertThat(last.pages().cardinality()).isEqualTo(100_000);
    }

    @Test
    void balloonMessages_goBothWays() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        host(port);
        CompletableFuture<GuestMemoryAgent> itself = new CompletableFuture<>();
        AtomicReference<GuestMemoryAgent.BalloonAnswer> inflated = new AtomicReference<>();
        GuestMemoryAgent agent = agent(into -> {}, new GuestBalloon() {
            @Override
            public void target(long pages) throws InterruptedException {
                try {
                    inflated.set(itself.join()
                            .inflate(new RangeBatch().add(0, pages))
                            .get());
                } catch (IOException | ExecutionException e) {
                    throw new AssertionError(e);
                }
            }

            @Override
            public long reclaim(long floorPages) {
                return floorPages + 1;
            }
        });
        itself.complete(agent);
        assertThat(port.balloonTarget((1 << 20) + 7)).isEqualTo(SendOutcome.SENT);
        Threads.await("inflated", 20, () -> heard.events().size() == 2);
        GuestMemoryAgent.BalloonAnswer deflated =
                agent.deflate(new RangeBatch().add(5, 1).add(9, 3)).get(20, TimeUnit.SECONDS);
        assertThat(deflated.done()).isFalse();
        assertThat(deflated.refusal()).contains("3 pages from page 9").contains("not released");
        assertThat(port.reclaim(100).get(20, TimeUnit.SECONDS)).isEqualTo(101);
        assertThat(inflated.get()).isEqualTo(new GuestMemoryAgent.BalloonAnswer(true, ""));
        agent.available(77);
        Threads.await("all", 20, () -> heard.events().size() == 4);
        assertThat(heard.events())
                .containsExactly("connected", "inflate 0+1048576 1048576+7", "deflate 5+1 9+3", "available 77");
        assertThatThrownBy(() -> port.reclaim(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void reclaim_endsWhenTheGuestAnswersItsOwnId_orIsGone() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
        assertFails(port.reclaim(5), "no channel open");
        host(port);
        RawGuest guest = rawGuest();
        CompletableFuture<Long> first = port.reclaim(5);
        CompletableFuture<Long> second = port.reclaim(6);
        assertFails(first, "asked again");
        ByteBuffer firstAsked = guest.next().body();
        ByteBuffer secondAsked = guest.next().body();
        assertThat(secondAsked.getLong(8)).isEqualTo(6);
        guest.sendMessage(PORT, MemoryMessage.RECLAIMED, longs(firstAsked.getLong(0), 1));
        guest.sendMessage(PORT, MemoryMessage.RECLAIMED, longs(secondAsked.getLong(0), 2));
        assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(2);
        assertThat(port.staleMessages()).isEqualTo(1);
        CompletableFuture<Long> third = port.reclaim(7);
        guest.close();
        assertFails(third, "closed its channel");
    }

    @Test
    void balloonAnswers_thatNeverCome_endWithTheChannel() throws Exception {
        GuestMemoryPort port = new GuestMemoryPort(new GuestMemoryListener() {
            @Override
            public HintResult inflate(RangeBatch pages) {
                throw new IllegalStateException("the kernel does not drop a page");
            }

            @Override
            public HintResult deflate(RangeBatch pages) {
                return new HintResult.Accepted(1);
            }
        });
        host(port);
        GuestMemoryAgent agent = agent(into -> {}, GuestBalloon.NONE);
        CompletableFuture<GuestMemoryAgent.BalloonAnswer> answer = agent.inflate(new RangeBatch().add(1, 1));
        assertThatThrownBy(() -> get(answer)).hasCauseInstanceOf(ChannelClosedException.class);
    }

    @Test
    void randomMessages_areRefusedOrDropped_neverFailTheHost_andChangeNoReport() throws Exception {
        SplittableRandom random = Seeds.random("randomMessages_areRefusedOrDropped");
        long refused = 0;
        int sent = 0;
        while (sent < RANDOM_FRAMES) {
            RingPipe.Pair ring = RingPipe.pair(1 << 16);
            GuestMemoryPort port = new GuestMemoryPort(heard, LIMIT);
            try (HostChannel host =
                            HostChannel.open(ring.host(), ChannelLimits.DEFAULT.withRefusals(5000, 0), List.of(port));
                    RawGuest guest = new RawGuest(ring.guest())) {
                guest.open(PORT, MemoryMessage.VERSION, MemoryMessage.PORT);
                // Its ids are not what random numbers hit.
                Free sink = new Free();
                CompletableFuture<Void> report = port.report(1, sink);
                boolean open = true;
                while (open && sent < RANDOM_FRAMES) {
                    sent++;
                    open = sends(guest, random);
                }
                guest.close();
                assertThat(host.ended().get(30, TimeUnit.SECONDS).reason())
                        .isIn(ChannelEnd.Reason.PEER_GONE, ChannelEnd.Reason.TOO_MANY_REFUSALS);
                assertFails(report, "closed its channel");
                assertThat(sink.pages().isEmpty()).isTrue();
                refused += host.counters().refusals();
            }
        }
        assertThat(refused).isGreaterThan(RANDOM_FRAMES / 10);
        assertThat(heard.events()).contains("connected", "disconnected");
    }

    private static boolean sends(RawGuest guest, SplittableRandom random) {
        int type = random.nextInt(10) == 0 ? random.nextInt(1 << 16) : 14 + random.nextInt(10);
        int length = random.nextInt(4) == 0 ? random.nextInt(100) : 8 * random.nextInt(6);
        byte[] body = new byte[length];
        random.nextBytes(body);
        if (random.nextBoolean() && length >= MemoryMessage.WORDS_OFFSET) {
            ByteBuffer.wrap(body)
                    .putLong(MemoryMessage.FIRST_PAGE_OFFSET, random.nextInt(1000))
                    .putLong(MemoryMessage.PAGES_OFFSET, random.nextInt(200));
        }
        try {
            guest.sendFrame(ChannelLayout.MESSAGE, PORT, type, body);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
