package org.userload.destination.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.Seeds;

@Timeout(60)
class WorkingSetFileTest {
    private static final Path FILE = Path.of("guest.uws");

    @TempDir
    private Path directory;

    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(0, 5_000),
                    new RegionTable.Entry(1L << 32, 1),
                    new RegionTable.Entry(1L << 33, 9_000)));

    private record Page(int region, long page) {}

    private static List<Page> pagesOf(WorkingSet set) {
        List<Page> pages = new ArrayList<>();
        set.forEachRun((region, first, count) -> {
            for (int i = 0; i < count; i++) {
                pages.add(new Page(region, first + i));
            }
        });
        return pages;
    }

    private static WorkingSet small() {
        WorkingSetRecorder recorder = new WorkingSetRecorder(TABLE);
        recorder.touched(0, 7);
        recorder.touched(0, 8);
        recorder.touched(2, 8_999);
        recorder.touched(0, 0);
        return recorder.recorded();
    }

    @RepeatedTest(5)
    void recordedPages_areReadInTheOrderOfTheirFirstTouch() throws Exception {
        SplittableRandom random = Seeds.random("WorkingSetFileTest");
        WorkingSetRecorder recorder = new WorkingSetRecorder(TABLE);
        List<Page> touched = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            int region = random.nextInt(3);
            long pages = TABLE.entries().get(region).pageCount();
            long page = random.nextLong(pages);
            long end = Math.min(pages, page + random.nextInt(1, 5));
            for (; page < end; page++) {
                recorder.touched(region, page);
                if (!touched.contains(new Page(region, page))) {
                    touched.add(new Page(region, page));
                }
            }
        }
        Path file = Files.write(directory.resolve("guest.uws"), WorkingSetFile.encode(recorder.recorded()));
        WorkingSet read = WorkingSetFile.read(file);
        assertThat(read.table()).isEqualTo(TABLE);
        assertThat(read.misfit(TABLE)).isEmpty();
        assertThat(pagesOf(read)).isEqualTo(touched);
    }

    @Test
    void consecutivePages_takeAByteEach_andComeAsOneRun() throws Exception {
        RegionTable table = RegionTable.single(100_000);
        WorkingSetRecorder recorder = new WorkingSetRecorder(table);
        for (int page = 10; page < 10_010; page++) {
            recorder.touched(0, page);
        }
        byte[] bytes = WorkingSetFile.encode(recorder.recorded());
        assertThat(bytes.length).isEqualTo(28 + 16 + 10_000 + 4);
        List<Integer> counts = new ArrayList<>();
        WorkingSetFile.decode(FILE, bytes).forEachRun((region, first, count) -> counts.add(count));
        assertThat(counts).containsExactly(4096, 4096, 10_000 - 2 * 4096);
    }

    @Test
    void largestGuest_isNumberedBeyondAnInt() throws Exception {
        RegionTable table = RegionTable.single(RegionTable.MAX_PAGES);
        WorkingSet set = new WorkingSet(table, new int[] {-1, 0, Integer.MIN_VALUE});
        WorkingSet read = WorkingSetFile.decode(FILE, WorkingSetFile.encode(set));
        assertThat(pagesOf(read)).containsExactly(new Page(0, (1L << 32) - 1), new Page(0, 0), new Page(0, 1L << 31));
    }

    @Test
    void emptyWorkingSet_isOne() throws Exception {
        WorkingSet read = WorkingSetFile.decode(FILE, WorkingSetFile.encode(new WorkingSetRecorder(TABLE).recorded()));
        assertThat(pagesOf(read)).isEmpty();
    }

    @Test
    void workingSetOfAnotherGuest_saysWhatDiffers() {
        assertThat(small().misfit(RegionTable.single(77)))
                .contains("14,001 pages", "in 3 regions", "this one has 77 pages");
    }

    @Test
    void everyFlippedBit_andEveryCut_isFound() {
        byte[] good = WorkingSetFile.encode(small());
        for (int bit = 0; bit < 8 * good.length; bit++) {
            byte[] bad = good.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            assertDamaged(bad);
        }
        for (int length = 0; length < good.length; length++) {
            assertDamaged(Arrays.copyOf(good, length));
        }
        assertDamaged(Arrays.copyOf(good, good.length + 1));
    }

    private static void assertDamaged(byte[] bytes) {
        assertThatThrownBy(() -> WorkingSetFile.decode(FILE, bytes))
                .isInstanceOf(WorkingSetFile.DamagedException.class)
                .hasMessageContaining("guest.uws");
    }

    /** A file that somebody has made, with a checksum that is right. */
    private static byte[] forged(java.util.function.Consumer<ByteBuffer> forge) {
        byte[] bytes = WorkingSetFile.encode(small());
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        forge.accept(buffer);
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - 4);
        buffer.putInt(bytes.length - 4, (int) crc.getValue());
        return bytes;
    }

    @Test
    void forgedFields_areRefused_withoutRoomForThem() {
        int pages = 28 + 3 * 16;
        List<java.util.function.Consumer<ByteBuffer>> forgeries = List.of(
                buffer -> buffer.putShort(8, (short) 2),
                buffer -> buffer.putShort(10, (short) 1),
                buffer -> buffer.putInt(12, 4095),
                buffer -> buffer.putInt(12, 1 << 30),
                buffer -> buffer.putInt(16, 0),
                buffer -> buffer.putInt(16, -1),
                buffer -> buffer.putInt(16, Integer.MAX_VALUE),
                buffer -> buffer.putInt(16, 4096),
                buffer -> buffer.putInt(16, 2),
                buffer -> buffer.putLong(20, -1),
                buffer -> buffer.putLong(20, 3),
                buffer -> buffer.putLong(20, 5),
                buffer -> buffer.putLong(20, Long.MAX_VALUE),
                buffer -> buffer.putLong(28, 1),
                buffer -> buffer.putLong(28 + 8, 0),
                buffer -> buffer.putLong(28 + 8, 1L << 40),
                buffer -> buffer.put(pages, (byte) 1), // a page before the first
                buffer -> buffer.put(pages + 1, (byte) 1), // the same page again
                buffer -> buffer.put(pages + 1, (byte) 0x80), // as many pages, one byte less
                buffer -> {
                    for (int at = pages; at < buffer.capacity() - 4; at++) {
                        buffer.put(at, (byte) 0xFF);
                    }
                });
        forgeries.forEach(forgery -> assertDamaged(forged(forgery)));
        assertThat(forged(buffer -> {})).isEqualTo(WorkingSetFile.encode(small()));
    }

    @RepeatedTest(3)
    void noise_isNeverAWorkingSet() {
        SplittableRandom random = Seeds.random("WorkingSetFileTest");
        for (int i = 0; i < 2_000; i++) {
            byte[] bytes = new byte[random.nextInt(300)];
            random.nextBytes(bytes);
            assertDamaged(bytes);
        }
    }

    @Test
    void hugeFile_isRefused_unread() throws Exception {
        Path file = directory.resolve("huge.uws");
        try (var out = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(1L << 40);
        }
        assertThatThrownBy(() -> WorkingSetFile.read(file))
                .isInstanceOf(WorkingSetFile.DamagedException.class)
                .hasMessageContaining("more than one can have");
    }
}
