package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.linux.Mapping;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.support.NativeTouch;
import org.userload.support.Seeds;

/** What the kernel's tracking sees, and how it copes with vectors, windows, huge pages and neighbours. */
@Timeout(60)
class UffdWriteTrackerTest {
    private static DirtyTracker started(GuestMemory memory, int runs) {
        DirtyTracker tracker = UffdWriteTracker.open(memory, runs);
        tracker.start();
        return tracker;
    }

    @Test
    void writeByASystemCall_isReported() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(100));
                DirtyTracker tracker = started(memory, 512)) {
            memory.putLong(3 << 12, 7);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:3");
            assertThat(NativeTouch.copyBytes(memory.nativeAddress(50 << 12), memory.nativeAddress(3 << 12), 8))
                    .isEqualTo(8);
            assertThat(memory.getLong(50 << 12)).isEqualTo(7);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:50");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 511, 512})
    void vectorShorterThanTheRuns_losesNothing(int runs) {
        long seed = Seeds.of("UffdWriteTrackerTest");
        SplittableRandom random = new SplittableRandom(seed);
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(5000));
                DirtyTracker tracker = started(memory, runs)) {
            for (int round = 0; round < 5; round++) {
                TreeSet<Long> written = new TreeSet<>();
                for (int i = 0; i < 1200; i++) {
                    long page = random.nextInt(5000);
                    memory.putLong(page << 12, 1);
                    written.add(page);
                }
                assertThat(Reported.by(tracker, memory).each())
                        .as("seed %d", seed)
                        .containsExactlyElementsOf(
                                written.stream().map(page -> "0:" + page).toList());
            }
        }
    }

    @Test
    void sparseRegionOfManyGiB_isTrackedAcrossWindowsAndBuffers() {
        long pages = 5L << 18; // 5 GiB
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages));
                DirtyTracker tracker = started(memory, 512)) {
            long[] written = {0, 65_535, 65_536, (1 << 18) - 1, 1 << 18, 2L << 18, 3 << 18, pages - 1};
            List<String> expected = new ArrayList<>();
            for (long page : written) {
                memory.putByte((page << 12) + 4095, (byte) 1);
                expected.add("0:" + page);
            }
            assertThat(Reported.by(tracker, memory).each()).containsExactlyElementsOf(expected);
            assertThat(Reported.by(tracker, memory).each()).isEmpty();
        }
    }

    @Test
    void writeToAHugePage_isReportedAsOneSmallPage() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(8 << 9))) {
            memory.fill(0, 8 << 21, (byte) 1);
            try (DirtyTracker tracker = started(memory, 512)) {
                assertThat(Reported.by(tracker, memory).each()).isEmpty();
                memory.putByte(1000 << 12, (byte) 2);
                memory.putByte(2000 << 12, (byte) 2);
                assertThat(Reported.by(tracker, memory).each()).containsExactly("0:1000", "0:2000");
                memory.putByte(1000 << 12, (byte) 3);
                memory.putByte(1001 << 12, (byte) 3);
                assertThat(Reported.by(tracker, memory).each()).containsExactly("0:1000", "0:1001");
            }
            memory.fill(0, 8 << 21, (byte) 4);
            assertThat(memory.getByte((8 << 21) - 1)).isEqualTo((byte) 4);
        }
    }

    /** The kernel merges neighbouring anonymous mappings; addresses, not mappings, decide what is reported. */
    @Test
    void neighbouringMapping_isNeitherReportedNorDisturbed() {
        RegionTable table = new RegionTable(
                PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 64), new RegionTable.Entry(1 << 20, 64)));
        try (GuestMemory memory = GuestMemory.present(table);
                Mapping other = Mapping.anonymous(64 << 12);
                GuestMemory second = GuestMemory.present(table);
                DirtyTracker tracker = started(memory, 512);
                DirtyTracker trackerOfSecond = started(second, 512)) {
            other.buffer(0, 8).putLong(0, 1);
            second.putLong(5 << 12, 1);
            memory.putLong(63 << 12, 1);
            memory.putLong(1 << 20, 1);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:63", "1:0");
            tracker.close();
            second.putLong(1 << 20, 1);
            assertThat(Reported.by(trackerOfSecond, second).each()).containsExactly("0:5", "1:0");
        }
    }

    @Test
    void memoryThatIsStillBeingPagedIn_isRefused_andCanBeTrackedAfterwards() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(64));
                Userfaultfd paging = Userfaultfd.builder().open()) {
            MemoryRegion region = memory.region(0);
            paging.register(region.hostAddress(), region.sizeBytes());
            try (Mapping content = Mapping.anonymous(64 << 12)) {
                content.buffer(0, 1).put(0, (byte) 5);
                paging.copy(region.hostAddress(), content.address(), 64 << 12);
            }
            try (DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP)) {
                assertThatThrownBy(tracker::start)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("another userfaultfd has the memory")
                        .hasMessageContaining("EBUSY");
            }
            paging.unregister(region.hostAddress(), region.sizeBytes());
            try (DirtyTracker tracker = started(memory, 512)) {
                assertThat(memory.getLong(0)).isEqualTo(5);
                assertThat(Reported.by(tracker, memory).each()).isEmpty();
                memory.putLong(9 << 12, 1);
                assertThat(Reported.by(tracker, memory).each()).containsExactly("0:9");
            }
        }
    }

    @Test
    void auto_choosesIt_whereTheKernelHasIt() {
        boolean kernelHasIt;
        try (Userfaultfd uffd = Userfaultfd.builder()
                .want(UffdFeature.WP_ASYNC)
                .allowUserModeOnly()
                .open()) {
            kernelHasIt = uffd.features().contains(UffdFeature.WP_ASYNC);
        }
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(1));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.AUTO)) {
            assertThat(tracker.name()).isEqualTo(kernelHasIt ? "uffd-wp" : "access-layer");
        }
    }
}
