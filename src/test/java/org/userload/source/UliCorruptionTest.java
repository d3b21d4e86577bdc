package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.userload.source.UliFormat.*;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;

class UliCorruptionTest {
    private static final int PAGE = 4096;
    private static final int PRESENT_BLOCK = 0;
    private static final int LAST_BLOCK = 3;

    @TempDir
    Path directory;

    private MemoryPageSource model = new MemoryPageSource(PageSize.DEFAULT, List.of(new byte[PAGE]));
    private byte[] file = {};
    private Path path = Path.of("");

    /** Two regions, four blocks: data and zero pages, absent, pages of both regions, a short one. */
    @BeforeEach
    void writeSmallImage() throws IOException {
        byte[] first = new byte[40 * PAGE];
        byte[] second = new byte[12 * PAGE];
        Arrays.fill(first, 0, 2 * PAGE, (byte) 'a');
        for (int i = 0; i < 300; i++) {
            first[5 * PAGE + i] = (byte) ((i * i) >> 3);
        }
        Arrays.fill(first, 39 * PAGE, 40 * PAGE, (byte) 'b');
        Arrays.fill(second, 0, 3 * PAGE, (byte) 'c');
        for (int i = 0; i < 200; i++) {
            second[11 * PAGE + 7 * i] = (byte) (i * i);
        }
        model = new MemoryPageSource(PageSize.DEFAULT, List.of(first, second));
        path = directory.resolve("small.uli");
        UliSummary summary = new UliWriter().write(path, model);
        assertThat(summary.blocks()).isEqualTo(4);
        assertThat(summary.zeroBlocks()).isEqualTo(1);
        file = Files.readAllBytes(path);
    }

    @Test
    void everyFlippedBit_isDetectedOrChangesNothing() throws IOException {
        int undetected = 0;
        try (RandomAccessFile target = new RandomAccessFile(path.toFile(), "rw")) {
            for (int at = 0; at < file.length; at++) {
                for (int change : new int[] {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
                    target.seek(at);
                    target.write(file[at] ^ change);
                    undetected += readsRightOrFails(at, change) ? 1 : 0;
                }
                target.seek(at);
                target.write(file[at]);
            }
        }
        System.out.println(file.length + " bytes, " + undetected + " changes without any effect");
        assertThat(undetected).isLessThan(file.length);
        assertThat(readsRightOrFails(-1, 0)).isTrue();
    }

    @Test
    void everyTruncation_isDetectedWhenOpening() throws IOException {
        try (RandomAccessFile target = new RandomAccessFile(path.toFile(), "rw")) {
            for (int length = file.length - 1; length >= 0; length--) {
                target.setLength(length);
                String damage = length == 0 ? "is empty" : "damaged .uli image";
                assertThatThrownBy(() -> PageSources.open(path))
                        .isInstanceOf(PageSourceException.class)
                        .hasMessageContainingAll(path.toString(), damage);
            }
        }
    }

    @Test
    void bytesAppended_areDetectedWhenOpening() throws IOException {
        Files.write(path, Arrays.copyOf(file, file.length + 1));
        assertThatThrownBy(() -> UliPageSource.open(path, 0)).hasMessageContaining("cut short");
    }

    @Test
    void corruptBlock_isNamedAndNeverReturned() throws IOException {
        UliBytes bytes = new UliBytes(file);
        // A checksum of other bytes: the block decompresses well and still must not be returned.
        bytes.putInt(bytes.indexEntry(LAST_BLOCK - 1) + INDEX_CRC_OFFSET, 12345)
                .sealIndex()
                .writeTo(path);
        try (UliPageSource source = UliPageSource.open(path, 1 << 20)) {
            ByteBuffer dst = ByteBuffer.allocate(40 * PAGE).position(PAGE);
            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(() -> source.read(0, 30, 5, dst))
                        .isInstanceOfSatisfying(
                                CorruptBlockException.class,
                                e -> assertThat(e.block()).isEqualTo(2))
                        .hasMessageContainingAll(
                                path.toString(), "block 2", "region 0 pages 32 to 39, region 1 pages 0 to 7");
                assertThat(dst.position()).isEqualTo(PAGE);
            }
            assertThat(source.cacheStatistics().failedLoads()).isEqualTo(2);
            ByteBuffer page = ByteBuffer.allocate(PAGE);
            source.read(0, 5, 1, page);
            assertThat(page.array()).isEqualTo(Arrays.copyOfRange(model.content.get(0), 5 * PAGE, 6 * PAGE));
        }
    }

    @Test
    void randomDamageToManyBytes_neverReturnsWrongBytes() throws IOException {
        Random random = Seed.random("randomDamageToManyBytes");
        for (int round = 0; round < 3000; round++) {
            byte[] damaged = file.clone();
            int at = random.nextInt(damaged.length);
            int length = Math.min(damaged.length - at, 1 + random.nextInt(100));
            for (int i = at; i < at + length; i++) {
                damaged[i] = (byte) random.nextInt();
            }
            Files.write(path, damaged);
            readsRightOrFails(at, length);
        }
    }

    @Test
    void randomDamageUnderMatchingChecksums_failsCleanly() throws IOException {
        Random random = Seed.random("randomDamageUnderMatchingChecksums");
        int[] starts = {0, file.length - TRAILER_BYTES - 4 * INDEX_ENTRY_BYTES};
        int[] ends = {HEADER_BYTES + 2 * REGION_BYTES, file.length};
        long[] values = {0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, Integer.MAX_VALUE, 0xffffffffL, 1L << 48};
        for (int round = 0; round < 5000; round++) {
            UliBytes bytes = new UliBytes(file);
            int part = random.nextInt(2);
            int width = 1 << random.nextInt(4);
            int at = starts[part] + random.nextInt(ends[part] - starts[part] - width + 1);
            long value = random.nextBoolean() ? random.nextLong() : values[random.nextInt(values.length)];
            for (int i = 0; i < width; i++) {
                bytes.bytes.put(at + i, (byte) (value >>> (8 * i)));
            }
            if (part == 0) {
                bytes.sealHeader();
            } else if (at + width <= bytes.trailer()) {
                bytes.sealIndex();
            } else {
                bytes.sealTrailer();
            }
            bytes.writeTo(path);
            opensAndReadsOrFailsCleanly();
        }
    }

    @Test
    void hostileHeaders_areRejected() throws IOException {
        int region = HEADER_BYTES;
        rejectsHeader(b -> b.putInt(HEADER_REGION_COUNT_OFFSET, 0), "regions");
        rejectsHeader(b -> b.putInt(HEADER_REGION_COUNT_OFFSET, -1), "regions");
        rejectsHeader(b -> b.putInt(HEADER_REGION_COUNT_OFFSET, MAX_REGIONS + 1), "regions");
        rejectsHeader(b -> b.putInt(HEADER_REGION_COUNT_OFFSET, 3), "damaged");
        rejectsHeader(b -> b.putInt(HEADER_PAGE_SIZE_OFFSET, 0), "page size");
        rejectsHeader(b -> b.putInt(HEADER_PAGE_SIZE_OFFSET, 4097), "page size");
        rejectsHeader(b -> b.putInt(HEADER_PAGE_SIZE_OFFSET, 2048), "page size");
        rejectsHeader(b -> b.putInt(HEADER_PAGE_SIZE_OFFSET, 1 << 17), "page size");
        rejectsHeader(b -> b.putInt(HEADER_PAGE_SIZE_OFFSET, Integer.MIN_VALUE), "page size");
        rejectsHeader(b -> b.putInt(HEADER_BLOCK_SIZE_OFFSET, 1 << 30), "block size");
        rejectsHeader(b -> b.putInt(HEADER_FLAGS_OFFSET, 1), "flags");
        rejectsHeader(b -> b.putLong(HEADER_IMAGE_BYTES_OFFSET, Long.MAX_VALUE), "size and block count");
        rejectsHeader(b -> b.putLong(HEADER_BLOCK_COUNT_OFFSET, 1L << 40), "size and block count");
        rejectsHeader(b -> b.putLong(region + REGION_PAGE_COUNT_OFFSET, 0), "region 0");
        rejectsHeader(b -> b.putLong(region + REGION_PAGE_COUNT_OFFSET, -1), "region 0");
        rejectsHeader(b -> b.putLong(region + REGION_PAGE_COUNT_OFFSET, 1L << 52), "region 0");
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, -4096), "region 0");
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, 1), "region 0");
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, Long.MAX_VALUE - 4095), "region 0");
        long second = model.regions().entries().get(1).guestAddress();
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, second), "overlap");
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, second + PAGE), "overlap");
        rejectsHeader(b -> b.putLong(region + REGION_GUEST_ADDRESS_OFFSET, second - PAGE), "overlap");
    }

    @Test
    void headerOfAHugeImage_allocatesNothingForIt() throws IOException {
        long pages = MAX_IMAGE_BYTES / PAGE;
        UliBytes bytes = new UliBytes(file)
                .putLong(HEADER_BYTES + REGION_BYTES + REGION_PAGE_COUNT_OFFSET, pages - 40)
                .putLong(HEADER_IMAGE_BYTES_OFFSET, MAX_IMAGE_BYTES)
                .putLong(HEADER_BLOCK_COUNT_OFFSET, MAX_BLOCKS)
                .sealHeader();
        int trailer = bytes.trailer();
        bytes.putLong(trailer + TRAILER_INDEX_BYTES_OFFSET, (long) MAX_BLOCKS * INDEX_ENTRY_BYTES)
                .sealTrailer()
                .writeTo(path);
        assertThatThrownBy(() -> UliPageSource.open(path, 0)).hasMessageContaining("index does not fit");
    }

    @Test
    void hostileIndexes_areRejected() throws IOException {
        for (int block : new int[] {PRESENT_BLOCK, LAST_BLOCK}) {
            rejectsIndex(block, (b, at) -> b.putLong(at, b.bytes.getLong(at) + 1), "makes no sense");
            rejectsIndex(block, (b, at) -> b.putLong(at, b.bytes.getLong(at) | 1L << 47), "makes no sense");
            rejectsIndex(block, (b, at) -> b.putLong(at, b.bytes.getLong(at) | -1L << 48), "makes no sense");
            rejectsIndex(block, (b, at) -> b.putInt(at + INDEX_COMPRESSED_BYTES_OFFSET, 0), "makes no sense");
            rejectsIndex(block, (b, at) -> b.putInt(at + INDEX_COMPRESSED_BYTES_OFFSET, -1), "makes no sense");
            rejectsIndex(
                    block,
                    (b, at) -> b.putInt(at + INDEX_COMPRESSED_BYTES_OFFSET, MAX_COMPRESSED_BYTES + 1),
                    "makes no sense");
        }
        // The last block alone decides where the blocks end.
        rejectsIndex(
                LAST_BLOCK,
                (b, at) -> b.putInt(
                        at + INDEX_COMPRESSED_BYTES_OFFSET, b.bytes.getInt(at + INDEX_COMPRESSED_BYTES_OFFSET) - 1),
                "between its last block and its index");
        rejectsIndex(LAST_BLOCK, (b, at) -> b.putLong(at, 0).putLong(at + 8, 0), "between its last block");
    }

    @Test
    void hostileTrailers_areRejected() throws IOException {
        rejectsTrailer(TRAILER_INDEX_OFFSET_OFFSET, 0);
        rejectsTrailer(TRAILER_INDEX_OFFSET_OFFSET, -16);
        rejectsTrailer(TRAILER_INDEX_OFFSET_OFFSET, Long.MIN_VALUE);
        rejectsTrailer(TRAILER_INDEX_OFFSET_OFFSET, file.length);
        rejectsTrailer(TRAILER_INDEX_BYTES_OFFSET, 0);
        rejectsTrailer(TRAILER_INDEX_BYTES_OFFSET, 48);
        rejectsTrailer(TRAILER_INDEX_BYTES_OFFSET, -1);
        rejectsTrailer(TRAILER_INDEX_BYTES_OFFSET, Long.MAX_VALUE);
    }

    private void rejectsTrailer(int offset, long value) throws IOException {
        UliBytes bytes = new UliBytes(file);
        bytes.putLong(bytes.trailer() + offset, value).sealTrailer().writeTo(path);
        assertThatThrownBy(() -> UliPageSource.open(path, 0))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll(path.toString(), "index does not fit");
    }

    @Test
    void zeroPagesThatAreNotZero_areACorruptBlock() throws IOException {
        UliBytes bytes = new UliBytes(file);
        int at = bytes.indexEntry(PRESENT_BLOCK);
        bytes.putLong(at, bytes.bytes.getLong(at) ^ 1L << INDEX_FILE_OFFSET_BITS)
                .sealIndex()
                .writeTo(path);
        try (UliPageSource source = UliPageSource.open(path, 1 << 20)) {
            assertThatThrownBy(() -> source.read(0, 3, 1, ByteBuffer.allocate(PAGE)))
                    .isInstanceOf(CorruptBlockException.class)
                    .hasMessageContaining("zero pages");
        }
    }

    @Test
    void otherVersion_saysWhichIsRead() throws IOException {
        new UliBytes(file).putInt(HEADER_VERSION_OFFSET, 2).sealHeader().writeTo(path);
        assertThatThrownBy(() -> PageSources.open(path))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll(path.toString(), "version 2", "reads version 1");
    }

    private void rejectsHeader(Consumer<UliBytes> change, String message) throws IOException {
        UliBytes bytes = new UliBytes(file);
        change.accept(bytes);
        bytes.sealHeader().writeTo(path);
        assertThatThrownBy(() -> UliPageSource.open(path, 0))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll(path.toString(), message);
    }

    private interface IndexChange {
        void apply(UliBytes bytes, int entryAt);
    }

    private void rejectsIndex(int block, IndexChange change, String message) throws IOException {
        UliBytes bytes = new UliBytes(file);
        change.apply(bytes, bytes.indexEntry(block));
        bytes.sealIndex().writeTo(path);
        assertThatThrownBy(() -> UliPageSource.open(path, 0))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll(path.toString(), message);
    }

    /** Reads page by page; true if all could be read. Whatever can be read and described is right. */
    private boolean readsRightOrFails(int at, int change) {
        boolean complete = true;
        ByteBuffer page = ByteBuffer.allocate(PAGE);
        try (PageSource source =
                PageSources.open(path, new OpenOptions(PageSize.DEFAULT, 1 << 20, ExtentScanner.NONE))) {
            assertThat(source.regions()).isEqualTo(model.regions());
            for (int region = 0; region < 2; region++) {
                byte[] expected = model.content.get(region);
                for (int i = 0; i < expected.length / PAGE; i++) {
                    if (source.describe(region, i, 1).isZero()) {
                        assertThat(MemoryPageSource.isZero(expected, i * PAGE, PAGE))
                                .isTrue();
                    }
                    try {
                        source.read(region, i, 1, page.clear());
                        if (!Arrays.equals(page.array(), 0, PAGE, expected, i * PAGE, (i + 1) * PAGE)) {
                            throw new AssertionError("wrong bytes in region " + region + " page " + i + " after byte "
                                    + at + " changed by " + change);
                        }
                    } catch (CorruptBlockException e) {
                        complete = false;
                    }
                }
            }
        } catch (PageSourceException e) {
            return false;
        }
        return complete;
    }

    private void opensAndReadsOrFailsCleanly() {
        try (UliPageSource source = UliPageSource.open(path, 1 << 20)) {
            for (int region = 0; region < source.regions().entries().size(); region++) {
                long pages = source.regions().entries().get(region).pageCount();
                ByteBuffer page =
                        ByteBuffer.allocate(source.regions().pageSize().bytes());
                for (long i = 0; i < Math.min(pages, 100); i++) {
                    try {
                        source.describe(region, i, 1000);
                        source.read(region, i, 1, page.clear());
                    } catch (CorruptBlockException e) {
                        assertThat(e).hasMessageContaining(path.toString());
                    }
                }
            }
        } catch (PageSourceException e) {
            assertThat(e).hasMessageContaining(path.toString());
        }
    }
}
