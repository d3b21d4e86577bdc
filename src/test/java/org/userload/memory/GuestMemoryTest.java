package org.userload.memory;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.memory.RegionTable.Entry;
import org.userload.support.NativeTouch;
import org.userload.support.Threads;

/** The borders and errors of the page-access layer; {@code GuestMemoryModelTest} has its ordinary work. */
@Timeout(30)
class GuestMemoryTest {
    private static final long FAR = 1L << 40;
    private static final RegionTable TABLE =
            new RegionTable(PageSize.DEFAULT, List.of(new Entry(0, 2), new Entry(8192, 1), new Entry(FAR, 2)));

    private final GuestMemory memory = GuestMemory.present(TABLE);

    @AfterEach
    void close() {
        memory.close();
    }

    private static void assertRefused(ThrowingCallable access) {
        assertThatThrownBy(access)
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("lies in no region");
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                -1,
                -8,
                -4096,
                Long.MIN_VALUE,
                12288,
                12289,
                FAR - 8,
                FAR + 8192,
                Long.MAX_VALUE,
                Long.MAX_VALUE - 7
            })
    void addressOutsideEveryRegion_isRefused(long address) {
        assertRefused(() -> memory.getByte(address));
        assertRefused(() -> memory.putByte(address, (byte) 1));
        assertRefused(() -> memory.getShort(address));
        assertRefused(() -> memory.putShort(address, (short) 1));
        assertRefused(() -> memory.getInt(address));
        assertRefused(() -> memory.putInt(address, 1, BIG_ENDIAN));
        assertRefused(() -> memory.getLong(address, BIG_ENDIAN));
        assertRefused(() -> memory.putLong(address, 1));
        assertRefused(() -> memory.get(address, new byte[4], 0, 4));
        assertRefused(() -> memory.put(address, new byte[4], 0, 4));
        assertRefused(() -> memory.get(address, ByteBuffer.allocate(4)));
        assertRefused(() -> memory.put(address, ByteBuffer.allocateDirect(4)));
        assertRefused(() -> memory.fill(address, 4, (byte) 1));
        assertRefused(() -> memory.touch(address));
        assertRefused(() -> memory.nativeAddress(address));
        assertRefused(() -> memory.getAndAddLong(address & -8, 1));
        assertRefused(() -> memory.compareAndSetLong(address & -8, 0, 1));
    }

    @Test
    void valueThatLeavesARegion_isRefused_andNothingIsWritten() {
        assertRefused(() -> memory.putLong(12288 - 4, -1));
        assertRefused(() -> memory.putInt(FAR + 8192 - 1, -1));
        assertRefused(() -> memory.putShort(FAR + 8192 - 1, (short) -1));
        assertRefused(() -> memory.getLong(12288 - 7));
        assertThat(memory.getInt(12288 - 4)).isZero();
        assertThat(memory.getByte(FAR + 8192 - 1)).isZero();
    }

    @Test
    void bulkAccessThatLeavesARegion_hasDoneThePartBefore() {
        byte[] ones = {1, 1, 1, 1, 1, 1, 1, 1};
        assertRefused(() -> memory.put(12288 - 4, ones, 0, 8));
        assertThat(memory.getInt(12288 - 4)).isEqualTo(0x01010101);
        byte[] target = new byte[8];
        assertRefused(() -> memory.get(12288 - 4, target, 0, 8));
        assertThat(target).containsExactly(1, 1, 1, 1, 0, 0, 0, 0);
        ByteBuffer buffer = ByteBuffer.allocate(8);
        assertRefused(() -> memory.get(12288 - 4, buffer));
        assertThat(buffer.position()).isEqualTo(4);
        assertRefused(() -> memory.fill(FAR + 8192 - 2, Long.MAX_VALUE, (byte) 7));
        assertThat(memory.getShort(FAR + 8192 - 2)).isEqualTo((short) 0x0707);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4, 7, 4095, FAR + 2, -1})
    void misalignedAtomic_isRefused(long address) {
        assertThatThrownBy(() -> memory.compareAndSetLong(address, 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("multiple of 8");
        assertThatThrownBy(() -> memory.getAndAddLong(address, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    @SuppressWarnings("NullAway")
    void nullArguments_areRefused() {
        byte[] noBytes = null;
        ByteBuffer noBuffer = null;
        assertThatThrownBy(() -> memory.get(0, noBytes, 0, 0)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> memory.put(0, noBytes, 0, 0)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> memory.get(0, noBuffer)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> memory.put(0, noBuffer)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> memory.putLong(0, -1, null)).isInstanceOf(NullPointerException.class);
        assertThat(memory.getLong(0)).as("nothing was written").isZero();
        assertThatThrownBy(() -> GuestMemory.missing(TABLE, null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void arrayRangesOutOfBounds_areRefused_beforeAnythingIsCopied() {
        byte[] array = new byte[8];
        for (int[] range : new int[][] {{-1, 1}, {0, -1}, {0, 9}, {8, 1}, {1, Integer.MAX_VALUE}}) {
            assertThatThrownBy(() -> memory.get(0, array, range[0], range[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> memory.put(0, array, range[0], range[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThatThrownBy(() -> memory.fill(0, -1, (byte) 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readOnlyTarget_isRefused() {
        assertThatThrownBy(() -> memory.get(0, ByteBuffer.allocate(4).asReadOnlyBuffer()))
                .isInstanceOf(java.nio.ReadOnlyBufferException.class);
    }

    @Test
    void everyAccessAfterClose_isRefused_andClosingAgainDoesNothing() {
        memory.close();
        memory.close();
        assertThat(memory.isClosed()).isTrue();
        List<ThrowingCallable> accesses = List.of(
                () -> memory.getByte(0),
                () -> memory.putByte(0, (byte) 1),
                () -> memory.getLong(0),
                () -> memory.putLong(4092, 1),
                () -> memory.get(0, new byte[8], 0, 8),
                () -> memory.put(FAR, ByteBuffer.allocate(8)),
                () -> memory.fill(0, 8, (byte) 1),
                () -> memory.compareAndSetLong(0, 0, 1),
                () -> memory.getAndAddLong(0, 1),
                () -> memory.touch(0),
                () -> memory.nativeAddress(0));
        for (ThrowingCallable access : accesses) {
            assertThatThrownBy(access).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        }
    }

    @Test
    void byteOrders_areReversesOfEachOther() {
        memory.putLong(4090, 0x0102030405060708L, BIG_ENDIAN);
        assertThat(memory.getByte(4090)).isEqualTo((byte) 1);
        assertThat(memory.getLong(4090)).isEqualTo(0x0807060504030201L);
        assertThat(memory.getLong(4090, LITTLE_ENDIAN)).isEqualTo(0x0807060504030201L);
        assertThat(memory.getInt(4090, BIG_ENDIAN)).isEqualTo(0x01020304);
        assertThat(memory.getShort(4095, BIG_ENDIAN)).isEqualTo((short) 0x0607);
    }

    @Test
    void nativeAddress_leadsToTheSameBytes() {
        memory.putLong(8, 1234);
        NativeTouch.copyBytes(memory.nativeAddress(FAR + 16), memory.nativeAddress(8), 8);
        assertThat(memory.getLong(FAR + 16)).isEqualTo(1234);
    }

    @Test
    void missingPages_areAskedForOncePerPage_andOnlyThoseTouched() {
        AtomicInteger asked = new AtomicInteger();
        GuestMemory[] holder = new GuestMemory[1];
        try (GuestMemory missing = GuestMemory.missing(TABLE, (region, page) -> {
            asked.incrementAndGet();
            holder[0].region(region).received().set(page);
        })) {
            holder[0] = missing;
            missing.putLong(4092, 1);
            assertThat(asked).hasValue(2);
            missing.getLong(0);
            assertThat(asked).hasValue(2);
            missing.get(8190, new byte[4], 0, 4);
            assertThat(asked).as("into the adjacent region").hasValue(3);
            missing.get(FAR, new byte[0], 0, 0);
            assertThat(asked).as("nothing for nothing").hasValue(3);
        }
    }

    @Test
    void pageThatCannotBeHad_isTheHandlersException_andAWriteAcrossItWritesNothing() {
        try (GuestMemory missing = GuestMemory.missing(TABLE, (region, page) -> {
            if (page == 1) {
                throw new PageUnavailableException(region, page, "gone", null);
            }
        })) {
            assertThatThrownBy(() -> missing.putLong(4092, -1))
                    .isInstanceOf(PageUnavailableException.class)
                    .hasMessage("page 1 of region 0 cannot be had: gone");
            assertThat(missing.getInt(4092)).isZero();
        }
    }

    @Test
    void additionsOfManyThreads_areAllCounted() throws Exception {
        for (var task : Threads.start(4, () -> {
            for (int i = 0; i < 20_000; i++) {
                memory.getAndAddLong(64, 3);
                long seen;
                do {
                    seen = memory.getLong(72);
                } while (!memory.compareAndSetLong(72, seen, seen + 1));
            }
            return null;
        })) {
            Threads.join(task, 20);
        }
        assertThat(memory.getLong(64)).isEqualTo(4 * 20_000 * 3);
        assertThat(memory.getLong(72)).isEqualTo(4 * 20_000);
    }
}
