package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.HugePages;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.support.FakeSource;
import org.userload.support.NativeTouch;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** Blocks of 2 MiB in the stream: moved into place where all of it is missing, and every byte right in any case. */
@Timeout(60)
class HugeBlockTest {
    private static final int BLOCK = 512;

    /** Waits with its answers, and with the stream. */
    private static final class Holding extends FakeSource.Script {
        final LinkedBlockingQueue<Frame> requests = new LinkedBlockingQueue<>();
        final CountDownLatch started = new CountDownLatch(1);

        @Override
        protected void request(FakeSource source, RawPeer peer, Frame request) {
            requests.add(request);
        }

        @Override
        protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws Exception {
            if (frame.is(FrameType.START)) {
                started.countDown();
            }
            super.other(source, role, peer, frame);
        }

        Frame next() throws InterruptedException {
            Frame request = requests.poll(10, TimeUnit.SECONDS);
            if (request == null) {
                throw new AssertionError("no request");
            }
            return request;
        }

        RawPeer stream(FakeSource source) throws InterruptedException {
            assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
            return source.peer(Role.STREAM);
        }
    }

    private static Destination open(FakeSource source) throws Exception {
        return Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(InterceptorChoice.USERFAULTFD)
                .withDeadline(Duration.ofSeconds(20)));
    }

    private static byte[] pages(RegionTable table, int region, long first, int count) {
        byte[] body = FakeSource.content(table, region, first, count);
        return RawPeer.frame(FrameType.PAGES.code(), 0, region, body.length, first, count, 0, body);
    }

    private static void assertContent(GuestMemory memory, long firstPage, long pages) {
        for (long address = firstPage << 12; address < (firstPage + pages) << 12; address += 8) {
            if (memory.getLong(address) != FakeSource.wordAt(address)) {
                throw new AssertionError(String.format(
                        "0x%x at 0x%x instead of 0x%x", memory.getLong(address), address, FakeSource.wordAt(address)));
            }
        }
    }

    private static DestinationStatistics complete(Destination destination) throws Exception {
        return destination.completion().get(20, TimeUnit.SECONDS);
    }

    @Test
    void wholeBlocks_areMoved_andAreHugePages() throws Exception {
        RegionTable table = RegionTable.single(4 * BLOCK + 9);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = open(source)) {
            RawPeer stream = script.stream(source);
            for (int block = 0; block < 4; block++) {
                stream.send(pages(table, 0, (long) block * BLOCK, BLOCK));
            }
            stream.send(pages(table, 0, 4L * BLOCK, 9));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks().moved()).isEqualTo(4);
            assertThat(statistics.blocks().copied()).isZero();
            assertThat(statistics.pages().stream()).isEqualTo(4 * BLOCK + 9);
            assertThat(statistics.pages().duplicate()).isZero();
            assertThat(destination.hugeBytes()).isEqualTo(4L * HugePages.BYTES);
            assertContent(destination.memory(), 0, 4 * BLOCK + 9);
        }
    }

    @Test
    void blockOfWhichAPageIsThere_isCopiedAroundIt_andTheGuestsWriteStays() throws Exception {
        RegionTable table = RegionTable.single(BLOCK);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = open(source)) {
            FutureTask<Void> writer = writeOnceThere(destination.memory(), 77);
            source.answer(source.peer(Role.SYNC), script.next());
            Threads.join(writer, 10);
            script.stream(source).send(pages(table, 0, 0, BLOCK));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks().moved()).isZero();
            assertThat(statistics.pages().duplicate()).isEqualTo(1);
            assertThat(statistics.pages().demand()).isEqualTo(1);
            assertThat(statistics.pages().stream()).isEqualTo(BLOCK - 1);
            assertContentButWritten(destination.memory(), 77);
        }
    }

    @Test
    void pageThatComesWhileItsBlockDoes_andIsWritten_isNotOverwritten() throws Exception {
        RegionTable table = RegionTable.single(BLOCK);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = open(source)) {
            FutureTask<Void> writer = writeOnceThere(destination.memory(), 300);
            Frame request = script.next();
            RawPeer stream = script.stream(source);
            byte[] frame = pages(table, 0, 0, BLOCK);
            int half = frame.length / 2 + 100;
            stream.send(Arrays.copyOf(frame, half));
            Threads.await("the block has begun", 10, () -> destination.wireBytes() > frame.length);
            source.answer(source.peer(Role.SYNC), request);
            Threads.join(writer, 10);
            stream.send(Arrays.copyOfRange(frame, half, frame.length));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks().moved()).isZero();
            assertThat(statistics.blocks().copied()).isEqualTo(1);
            assertThat(statistics.pages().duplicate()).isEqualTo(1);
            assertThat(statistics.pages().stream()).isEqualTo(BLOCK - 1);
            assertContentButWritten(destination.memory(), 300);
        }
    }

    @Test
    void threadThatWaitsForAPage_isWokenByItsBlock_andTheLateAnswerIsADuplicate() throws Exception {
        RegionTable table = RegionTable.single(BLOCK + 1);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = open(source)) {
            FutureTask<Void> writer = writeOnceThere(destination.memory(), 5);
            Frame request = script.next();
            RawPeer stream = script.stream(source);
            stream.send(pages(table, 0, 0, BLOCK));
            Threads.join(writer, 10);
            source.answer(source.peer(Role.SYNC), request);
            Threads.await(
                    "the late answer is counted",
                    10,
                    () -> destination.statistics().pages().duplicate() == 1);
            stream.send(pages(table, 0, BLOCK, 1));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks().moved()).isEqualTo(1);
            assertThat(statistics.pages().demand()).isZero();
            assertContentButWritten(destination.memory(), 5);
        }
    }

    @Test
    void blockAcrossMappings_whichTheKernelDoesNotMove_isCopied() throws Exception {
        RegionTable table = RegionTable.single(2 * BLOCK);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = open(source)) {
            NativeTouch.doNotFork(destination.memory().nativeAddress(100 << 12), 7 << 12);
            RawPeer stream = script.stream(source);
            stream.send(pages(table, 0, 0, BLOCK));
            stream.send(pages(table, 0, BLOCK, BLOCK));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks().moved()).isEqualTo(1);
            assertThat(statistics.blocks().copied()).isEqualTo(1);
            assertThat(statistics.pages().duplicate()).isZero();
            assertThat(statistics.pages().stream()).isEqualTo(2 * BLOCK);
            assertContent(destination.memory(), 0, 2 * BLOCK);
        }
    }

    @Test
    void withoutHugePages_nothingIsMoved() throws Exception {
        RegionTable table = RegionTable.single(2 * BLOCK);
        Holding script = new Holding();
        try (FakeSource source = new FakeSource(table, script);
                Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                        .withInterceptor(InterceptorChoice.USERFAULTFD)
                        .withHugePages(false))) {
            RawPeer stream = script.stream(source);
            stream.send(pages(table, 0, 0, BLOCK));
            stream.send(pages(table, 0, BLOCK, BLOCK));
            DestinationStatistics statistics = complete(destination);
            assertThat(statistics.blocks()).isEqualTo(new BlockCounts(0, 0, 0));
            assertContent(destination.memory(), 0, 2 * BLOCK);
        }
    }

    /** Blocks, blocks that do not lie on a border, pieces, zero pages and repetitions, in pieces as a network makes them. */
    @Test
    void anyFrames_cutAnywhere_giveEveryByte() throws Exception {
        SplittableRandom random = Seeds.random("HugeBlockTest");
        RegionTable table = new RegionTable(
                PageSize.DEFAULT,
                List.of(
                        new RegionTable.Entry(0, 6 * BLOCK + 17),
                        new RegionTable.Entry(1L << 40, 3),
                        new RegionTable.Entry(1L << 41, BLOCK)));
        for (int round = 0; round < 6; round++) {
            Holding script = new Holding();
            try (FakeSource source = new FakeSource(table, script);
                    Destination destination = open(source)) {
                boolean[] zero = new boolean[6 * BLOCK + 17];
                byte[] bytes = program(table, random, zero);
                RawPeer stream = script.stream(source);
                for (int at = 0; at < bytes.length; ) {
                    int most = random.nextInt(4) == 0 ? 100 : 1 << random.nextInt(10, 22);
                    int piece = Math.min(bytes.length - at, 1 + random.nextInt(most));
                    stream.send(Arrays.copyOfRange(bytes, at, at + piece));
                    at += piece;
                }
                DestinationStatistics statistics = complete(destination);
                assertThat(statistics.pagesInPlace()).isEqualTo(table.totalPages());
                for (int page = 0; page < zero.length; page++) {
                    if (zero[page]) {
                        assertThat(destination.memory().getLong((long) page << 12))
                                .isZero();
                    } else {
                        assertContent(destination.memory(), page, 1);
                    }
                }
                assertContent(destination.memory(), 1L << 28, 3);
                assertContent(destination.memory(), 1L << 29, BLOCK);
            }
        }
    }

    private static byte[] program(RegionTable table, SplittableRandom random, boolean[] zero) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        boolean[] sent = new boolean[zero.length];
        for (int i = 0; i < 12; i++) {
            int count = random.nextBoolean() ? BLOCK : 1 + random.nextInt(40);
            int first = random.nextInt(6) * BLOCK + (random.nextInt(3) == 0 ? random.nextInt(17) : 0);
            if (random.nextInt(4) == 0) {
                out.writeBytes(RawPeer.frame(FrameType.ZERO.code(), 0, 0, 0, first, count, 0, new byte[0]));
                for (int page = first; page < first + count; page++) {
                    zero[page] |= !sent[page];
                    sent[page] = true;
                }
            } else {
                out.writeBytes(pages(table, 0, first, count));
                Arrays.fill(sent, first, first + count, true);
            }
        }
        for (int block = 0; block < 6; block++) {
            out.writeBytes(pages(table, 0, (long) block * BLOCK, BLOCK));
        }
        out.writeBytes(pages(table, 1, 0, 3));
        out.writeBytes(pages(table, 2, 0, BLOCK));
        out.writeBytes(pages(table, 0, 6L * BLOCK, 17));
        return out.toByteArray();
    }

    /** Waits for a page, reads a word of it, and writes another. */
    private static FutureTask<Void> writeOnceThere(GuestMemory memory, long page) {
        return Threads.start(() -> {
            long address = page << 12;
            assertThat(memory.getLong(address + 8)).isEqualTo(FakeSource.wordAt(address + 8));
            memory.putLong(address, -1);
            return null;
        });
    }

    private static void assertContentButWritten(GuestMemory memory, long page) {
        assertThat(memory.getLong(page << 12)).isEqualTo(-1);
        memory.putLong(page << 12, FakeSource.wordAt(page << 12));
        assertContent(memory, 0, memory.region(0).pageCount());
    }
}
