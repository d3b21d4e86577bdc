package org.userload.destination;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.KnownPagesTest.Catching;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.support.FakeSource;
import org.userload.support.NativeTouch;
import org.userload.support.RawPeer;
import org.userload.support.RawPeer.Frame;
import org.userload.support.Seeds;
import org.userload.support.StreamingSource;
import org.userload.support.Threads;

/**
 * Threads that read and write pages while these come in any order as zero, free and ordinary pages, on both connections, twice
 * and late, and while pages are released. Every byte is what its page came as, or what its writer wrote.
 */
@Timeout(120)
class KnownPagesStressTest {
    private static final int PAGES = 6_000;
    private static final int TOUCHERS = 4;
    private static final long POISON = 0x6B6B_6B6B_1234_5678L;
    private static final int SECONDS = Integer.getInteger("userload.test.stress.seconds", 5);
    private static final RegionTable TABLE = RegionTable.single(PAGES);

    private static final int ZERO = 0;
    private static final int FREE = 1;
    private static final int CONTENT = 2;

    /** The guest releases it before anybody touches it. */
    private static final int RELEASED = 3;

    /** What the releaser writes to a page that it has released and uses again. */
    private static final int REUSED_WORD = 9;

    @ParameterizedTest
    @EnumSource(Catching.class)
    void everyByteIsRight_whateverTheOrder(Catching catching) throws Exception {
        SplittableRandom random = Seeds.random("KnownPagesStressTest " + catching);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        int rounds = 0;
        do {
            round(catching, random.split());
            rounds++;
        } while (System.nanoTime() < end);
        System.out.println("KnownPagesStressTest " + catching + ": " + rounds + " rounds");
    }

    private static long wordOf(int[] kinds, long address) {
        return switch (kinds[(int) (address >>> 12)]) {
            case ZERO, RELEASED -> 0;
            case FREE -> POISON;
            default -> FakeSource.wordAt(address);
        };
    }

    private static int[] kinds(SplittableRandom random) {
        int[] kinds = new int[PAGES];
        for (int page = 0; page < PAGES; ) {
            int kind = random.nextInt(4);
            int stop = Math.min(PAGES, page + random.nextInt(1, random.nextBoolean() ? 4 : 200));
            while (page < stop) {
                kinds[page++] = kind;
            }
        }
        return kinds;
    }

    private static void round(Catching catching, SplittableRandom random) throws Exception {
        int[] kinds = kinds(random);
        FakeSource.Script script = new FakeSource.Script() {
            @Override
            protected byte[] answer(
                    org.userload.protocol.Hello asked, org.userload.protocol.SessionId session, RegionTable table) {
                return RawPeer.bytes(
                        org.userload.protocol.Hello.answer(asked.role(), session, Feature.bits(Feature.FREE), table));
            }

            /** A released page that is asked for nevertheless gets its old content. */
            @Override
            protected void request(FakeSource source, RawPeer peer, Frame request) throws Exception {
                int page = (int) request.firstPage();
                switch (kinds[page]) {
                    case ZERO -> peer.send(FrameType.ZERO, 0, page, 1, request.id(), new byte[0]);
                    case FREE -> peer.send(FrameType.FREE, 0, page, 1, request.id(), StreamingSource.word(POISON));
                    default -> source.answer(peer, request);
                }
            }

            @Override
            protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws Exception {
                if (frame.is(FrameType.START)) {
                    stream(peer, kinds, random.split());
                } else if (frame.is(FrameType.COMPLETE)) {
                    peer.close();
                }
            }
        };
        try (FakeSource source = new FakeSource(TABLE, script);
                Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                        .withInterceptor(catching.choice)
                        .withTrackRemovals(catching.removals)
                        .withStreamAtOnce(false))) {
            GuestMemory memory = destination.memory();
            AtomicInteger number = new AtomicInteger();
            long seed = random.nextLong();
            List<FutureTask<long[]>> touchers = Threads.start(TOUCHERS, () -> {
                int mine = number.getAndIncrement();
                return touch(destination, kinds, mine, new SplittableRandom(seed + mine), catching);
            });
            FutureTask<long[]> releaser = Threads.start(() -> release(destination, kinds, new SplittableRandom(seed)));
            destination.startStream();
            PageCounts pages =
                    destination.completion().get(60, TimeUnit.SECONDS).pages();
            long[][] written = new long[TOUCHERS][];
            for (int i = 0; i < TOUCHERS; i++) {
                long[] own = Threads.join(touchers.get(i), 30);
                written[(int) own[PAGES]] = own;
            }
            long[] reused = Threads.join(releaser, 30);
            assertThat(destination.statistics().pagesInPlace()).as("%s", pages).isEqualTo(PAGES);
            assertThat(memory.region(0).received().cardinality()).isEqualTo(PAGES);
            check(memory, kinds, written, reused);
        }
    }

    /** Every page that is not released, in runs of its kind, in random order, some twice. */
    private static void stream(RawPeer peer, int[] kinds, SplittableRandom random) throws Exception {
        List<int[]> runs = new ArrayList<>();
        for (int page = 0; page < PAGES; ) {
            int first = page;
            int most = random.nextInt(1, 60);
            while (page < PAGES && page - first < most && kinds[page] == kinds[first]) {
                page++;
            }
            for (int times = random.nextInt(8) == 0 ? 2 : 1; times > 0; times--) {
                runs.add(new int[] {first, page - first});
            }
        }
        Collections.shuffle(runs, new Random(random.nextLong()));
        for (int[] run : runs) {
            switch (kinds[run[0]]) {
                case ZERO -> peer.send(FrameType.ZERO, 0, run[0], run[1]);
                case FREE -> peer.send(FrameType.FREE, 0, run[0], run[1], 0, StreamingSource.word(POISON));
                case CONTENT ->
                    peer.send(FrameType.PAGES, 0, run[0], run[1], 0, FakeSource.content(TABLE, 0, run[0], run[1]));
                default -> {
                    // Old content of released pages, sometimes: after the release it must not come through.
                    if (random.nextBoolean()) {
                        peer.send(FrameType.PAGES, 0, run[0], run[1], 0, FakeSource.content(TABLE, 0, run[0], run[1]));
                    }
                }
            }
        }
    }

    /** Releases every page of its kind, most of them again and again, and uses them again; gives what it wrote. */
    private static long[] release(Destination destination, int[] kinds, SplittableRandom random) throws Exception {
        long[] reused = new long[PAGES];
        List<Integer> pages = new ArrayList<>();
        for (int page = 0; page < PAGES; page++) {
            if (kinds[page] == RELEASED) {
                pages.add(page);
            }
        }
        Collections.shuffle(pages, new Random(random.nextLong()));
        for (int page : pages) {
            int stop = page + 1;
            while (stop < PAGES && kinds[stop] == RELEASED && stop - page < 8) {
                stop++;
            }
            destination.release(0, new PageRange(page, stop - page)).get(20, TimeUnit.SECONDS);
            for (int again = page; again < stop; again++) {
                reused[again] = random.nextBoolean() ? random.nextLong() : 0;
                long address = ((long) again << 12) + 8L * REUSED_WORD;
                same(address, destination.memory().getLong(address), 0);
                if (reused[again] != 0) {
                    destination.memory().putLong(address, reused[again]);
                }
            }
        }
        return reused;
    }

    /** Its words of each page are written and read; others are read. Released pages are left alone until the end. */
    private static long[] touch(
            Destination destination, int[] kinds, int number, SplittableRandom random, Catching catching) {
        GuestMemory memory = destination.memory();
        long[] written = new long[PAGES + 1];
        written[PAGES] = number;
        while (!destination.completion().isDone()) {
            int page = random.nextInt(PAGES);
            if (kinds[page] == RELEASED) {
                continue;
            }
            long address = (long) page << 12;
            long own = address + 8L * number;
            switch (random.nextInt(catching.choice == InterceptorChoice.SOFTWARE ? 3 : 4)) {
                case 0 -> {
                    written[page] = random.nextLong() | 1;
                    memory.putLong(own, written[page]);
                }
                case 1 -> same(own, memory.getLong(own), written[page] != 0 ? written[page] : wordOf(kinds, own));
                case 2 -> {
                    long other = address + 8L * random.nextInt(TOUCHERS, 512);
                    same(other, memory.getLong(other), wordOf(kinds, other));
                }
                default ->
                    assertThat(NativeTouch.readBytes(memory.region(0).hostAddressOf(page), 8))
                            .isEqualTo(8);
            }
        }
        return written;
    }

    private static void check(GuestMemory memory, int[] kinds, long[][] written, long[] reused) {
        for (int page = 0; page < PAGES; page++) {
            for (int word = 0; word < 512; word++) {
                long address = ((long) page << 12) + 8L * word;
                long expected = wordOf(kinds, address);
                if (word < TOUCHERS && written[word][page] != 0) {
                    expected = written[word][page];
                } else if (word == REUSED_WORD && kinds[page] == RELEASED) {
                    expected = reused[page];
                }
                same(address, memory.getLong(address), expected);
            }
        }
    }

    private static void same(long address, long found, long expected) {
        if (found != expected) {
            throw new AssertionError(
                    String.format("page %d at 0x%x: 0x%x instead of 0x%x", address >>> 12, address, found, expected));
        }
    }
}
