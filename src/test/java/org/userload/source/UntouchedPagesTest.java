package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.linux.Mapping;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;
import org.userload.support.Threads;

/** Which pages live memory calls zero, and that it does not touch what was never touched. */
@Timeout(120)
class UntouchedPagesTest {
    private static final int PAGES = 8 << 9;

    /** Describes all pages as the stream does, in pieces of {@code most}; a set bit is a zero page. */
    private static AtomicBitmap zeros(LivePageSource source, long pages, int most) {
        AtomicBitmap zeros = new AtomicBitmap(pages);
        for (long page = 0; page < pages; ) {
            PageRun run = source.describe(0, page, most);
            if (run.isZero()) {
                zeros.set(page, run.pageCount());
            }
            page += run.pageCount();
        }
        return zeros;
    }

    private static long hostPagesPresent(MemoryRegion region) throws Exception {
        long kib = 0;
        boolean inside = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                String[] range = line.substring(0, line.indexOf(' ')).split("-", 2);
                long start = Long.parseUnsignedLong(range[0], 16);
                long end = Long.parseUnsignedLong(range[1], 16);
                inside = start < region.hostAddress() + region.sizeBytes() && end > region.hostAddress();
            } else if (inside && line.startsWith("Pss:")) {
                kib += Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return kib / 4;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void untouchedMemory_isZero_inRunsAsLongAsAsked_andStaysUntouched(boolean tracked) throws Exception {
        long pages = 1 << 18;
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP);
                LivePageSource source = new LivePageSource(memory, "guest")) {
            if (tracked) {
                tracker.start();
            }
            for (long page = 0; page < pages; page += 4096) {
                assertThat(source.describe(0, page, 4096)).isEqualTo(PageRun.zero(4096));
            }
            assertThat(hostPagesPresent(memory.region(0))).isLessThan(4096);
        }
    }

    @Test
    void everyKindOfPage_isZeroExactlyIfItsBytesAre() {
        SplittableRandom random = Seeds.random("UntouchedPagesTest kinds");
        for (int round = 0; round < 60; round++) {
            try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                    DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP);
                    LivePageSource source = new LivePageSource(memory, "guest")) {
                int startAt = random.nextInt(200);
                for (int i = 0; i < 100; i++) {
                    if (i == startAt) {
                        tracker.start();
                    }
                    change(memory, random);
                }
                int most = 1 + random.nextInt(PAGES);
                AtomicBitmap zeros = zeros(source, PAGES, most);
                for (long page = 0; page < PAGES; page++) {
                    assertThat(zeros.get(page)).as("page %d by %d", page, most).isEqualTo(isZero(memory, page));
                }
            }
        }
    }

    /** Writes, writes zeros, reads or drops some pages; single ones or whole huge pages. */
    private static void change(GuestMemory memory, SplittableRandom random) {
        long first = random.nextInt(PAGES);
        long count = Math.min(PAGES - first, 1 + random.nextInt(8));
        if (random.nextInt(10) == 0) {
            first &= -512;
            count = 512;
        }
        switch (random.nextInt(5)) {
            case 0, 1 -> {
                for (long page = first; page < first + count; page++) {
                    memory.putLong((page << 12) + random.nextInt(512) * 8L, random.nextLong() | 1);
                }
            }
            case 2 -> memory.fill(first << 12, count << 12, (byte) 0);
            case 3 -> {
                for (long page = first; page < first + count; page++) {
                    memory.getLong(page << 12);
                }
            }
            default -> Mapping.discard(memory.region(0).hostAddressOf(first), count << 12);
        }
    }

    private static boolean isZero(GuestMemory memory, long page) {
        for (int at = 0; at < 4096; at += 8) {
            if (memory.getLong((page << 12) + at) != 0) {
                return false;
            }
        }
        return true;
    }

    @Test
    void guestPageOfSeveralHostPages_isZeroOnlyIfAllOfThemAre() {
        RegionTable table = new RegionTable(new PageSize(16384), List.of(new RegionTable.Entry(0, 512)));
        try (GuestMemory memory = GuestMemory.present(table);
                LivePageSource source = new LivePageSource(memory, "guest")) {
            memory.putByte((9 << 14) + 16383, (byte) 1);
            memory.putByte(10 << 14, (byte) 1);
            assertThat(source.describe(0, 0, 512)).isEqualTo(PageRun.zero(9));
            assertThat(source.describe(0, 9, 512)).isEqualTo(PageRun.data(2));
            assertThat(source.describe(0, 11, 512)).isEqualTo(PageRun.zero(501));
        }
    }

    /**
     * Rounds as a migration makes them, of a guest that writes and drops nothing but writes everywhere: what a round calls
     * zero and no collection reports afterwards must be zero in the end.
     */
    @Test
    void pageCalledZero_isReportedWhenItIsWrittenAfterwards() throws Exception {
        SplittableRandom random = Seeds.random("UntouchedPagesTest rounds");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        int migrations = 0;
        while (System.nanoTime() < end) {
            migrate(random);
            migrations++;
        }
        System.out.println("UntouchedPagesTest: " + migrations + " migrations");
    }

    private static void migrate(SplittableRandom random) throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP);
                LivePageSource source = new LivePageSource(memory, "guest")) {
            AtomicBoolean running = new AtomicBoolean(true);
            List<FutureTask<?>> writers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                SplittableRandom mine = random.split();
                writers.add(Threads.start(() -> {
                    while (running.get()) {
                        memory.putLong((mine.nextLong(PAGES) << 12) + mine.nextInt(512) * 8L, mine.nextLong() | 1);
                        for (int wait = mine.nextInt(2000); wait > 0; wait--) {
                            Thread.onSpinWait();
                        }
                    }
                    return null;
                }));
            }
            tracker.start();
            AtomicBitmap zero = new AtomicBitmap(PAGES);
            AtomicBitmap sent = new AtomicBitmap(PAGES);
            for (int round = 0; round < 6; round++) {
                send(source, sent, zero, 1 + random.nextInt(PAGES));
                if (round == 5) {
                    running.set(false);
                    for (FutureTask<?> writer : writers) {
                        Threads.join(writer, 30);
                    }
                }
                tracker.collect((region, first, count) -> sent.clear(first, count));
            }
            for (long page = 0; page < PAGES; page++) {
                if (sent.get(page) && zero.get(page)) {
                    assertThat(isZero(memory, page))
                            .as("page %d, zero when it was sent last", page)
                            .isTrue();
                }
            }
        }
    }

    /** One pass over what has not been sent, which is marked only after it was described, as in the stream. */
    private static void send(LivePageSource source, AtomicBitmap sent, AtomicBitmap zero, int most) {
        for (long page = sent.nextClear(0, PAGES); page < PAGES; page = sent.nextClear(page, PAGES)) {
            PageRun run = source.describe(0, page, (int) Math.min(most, PAGES - page));
            if (run.isZero()) {
                zero.set(page, run.pageCount());
            } else {
                zero.clear(page, run.pageCount());
            }
            sent.set(page, run.pageCount());
            page += run.pageCount();
        }
    }

    @Test
    void closedMemory_isAnError_andNotZero() {
        try (LivePageSource source = closedSource()) {
            assertThatThrownBy(() -> source.describe(0, 0, 512))
                    .isInstanceOf(PageSourceException.class)
                    .hasMessageContaining("the memory is closed");
        }
    }

    private static LivePageSource closedSource() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(512))) {
            return new LivePageSource(memory, "guest");
        }
    }

    @Test
    void closedSource_stillReads() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(512));
                LivePageSource source = new LivePageSource(memory, "guest")) {
            memory.putByte(5 << 12, (byte) 1);
            assertThat(source.describe(0, 0, 512)).isEqualTo(PageRun.zero(5));
            source.close();
            assertThat(source.describe(0, 0, 512)).isEqualTo(PageRun.zero(5));
            assertThat(source.describe(0, 5, 507)).isEqualTo(PageRun.data(1));
        }
    }
}
