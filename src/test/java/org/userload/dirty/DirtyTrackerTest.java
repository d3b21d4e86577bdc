package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/** What every tracker does, with nobody else writing. */
@Timeout(60)
class DirtyTrackerTest {
    private static final long SECOND = 1L << 30;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT, List.of(new RegionTable.Entry(0, 700), new RegionTable.Entry(SECOND, 64)));

    private static long at(long page) {
        return page << 12;
    }

    /** Every way to write, to page 5 unless the name says otherwise. */
    private static Map<String, Consumer<GuestMemory>> writes() {
        Map<String, Consumer<GuestMemory>> writes = new LinkedHashMap<>();
        ByteOrder big = ByteOrder.BIG_ENDIAN;
        writes.put("byte", m -> m.putByte(at(5) + 1, (byte) 1));
        writes.put("short", m -> m.putShort(at(5) + 2, (short) 1));
        writes.put("short big", m -> m.putShort(at(5) + 2, (short) 1, big));
        writes.put("int", m -> m.putInt(at(5) + 4, 1));
        writes.put("int big", m -> m.putInt(at(5) + 4, 1, big));
        writes.put("long", m -> m.putLong(at(5) + 8, 1));
        writes.put("long big", m -> m.putLong(at(5) + 8, 1, big));
        writes.put("same value", m -> m.putLong(at(5) + 8, m.getLong(at(5) + 8)));
        writes.put("array", m -> m.put(at(5), new byte[] {1, 2, 3}, 0, 3));
        writes.put("buffer", m -> m.put(at(5) + 9, ByteBuffer.wrap(new byte[] {1, 2, 3})));
        writes.put("fill", m -> m.fill(at(5), 4096, (byte) 7));
        writes.put("compareAndSet", m -> m.compareAndSetLong(at(5), m.getLong(at(5)), 3));
        writes.put("getAndAdd", m -> m.getAndAddLong(at(5), 3));
        return writes;
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void everyKindOfWrite_isReportedOnce(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            memory.fill(0, at(700), (byte) 1);
            tracker.start();
            assertThat(Reported.by(tracker, memory).each()).isEmpty();
            writes().forEach((name, write) -> {
                write.accept(memory);
                assertThat(Reported.by(tracker, memory).each()).as(name).containsExactly("0:5");
                assertThat(Reported.by(tracker, memory).each())
                        .as("after " + name)
                        .isEmpty();
            });
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void writeAcrossPages_isReportedForBoth(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            memory.putLong(at(9) - 3, -1);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:8", "0:9");
            memory.put(at(10) - 1, new byte[4098], 0, 4098);
            assertThat(Reported.by(tracker, memory).runs()).containsExactly(new Reported.Run(0, 9, 3));
            memory.fill(at(699), 4096, (byte) 1);
            memory.fill(SECOND, at(64), (byte) 1);
            assertThat(Reported.by(tracker, memory).runs())
                    .containsExactly(new Reported.Run(0, 699, 1), new Reported.Run(1, 0, 64));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void reads_areNotReported_alsoOfPagesNeverTouched(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            memory.putLong(at(3), 1);
            tracker.start();
            byte[] all = new byte[(int) at(700)];
            memory.get(0, all, 0, all.length);
            assertThat(memory.getLong(SECOND)).isZero();
            assertThat(Reported.by(tracker, memory).each()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void closedTracker_leavesOrdinaryMemory_andMakesRoomForAnother(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            DirtyTracker tracker = DirtyTrackers.open(memory, choice);
            tracker.start();
            memory.putLong(at(1), 11);
            tracker.close();
            tracker.close();
            memory.putLong(at(2), 12);
            assertThat(memory.getLong(at(1)) + memory.getLong(at(2))).isEqualTo(23);
            assertThatThrownBy(() -> tracker.collect((region, first, count) -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            try (DirtyTracker next = DirtyTrackers.open(memory, choice)) {
                next.start();
                assertThat(Reported.by(next, memory).each()).isEmpty();
                memory.putLong(at(3), 1);
                assertThat(Reported.by(next, memory).each()).containsExactly("0:3");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void secondTrackerOfAKind_isRefused_andTheFirstGoesOn(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            try (DirtyTracker second = DirtyTrackers.open(memory, choice)) {
                assertThatThrownBy(second::start).isInstanceOf(IllegalStateException.class);
            }
            memory.putLong(at(3), 1);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:3");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void callsOutOfTurn_areRefused(TrackerChoice choice) {
        try (GuestMemory memory = GuestMemory.present(TABLE);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            assertThatThrownBy(() -> tracker.collect((region, first, count) -> {}))
                    .isInstanceOf(IllegalStateException.class);
            tracker.start();
            assertThatThrownBy(tracker::start).isInstanceOf(IllegalStateException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"UFFD_WP", "ACCESS_LAYER"})
    void largeGuestPages_areReportedWhole(TrackerChoice choice) {
        RegionTable large = new RegionTable(new PageSize(64 << 10), List.of(new RegionTable.Entry(0, 100)));
        try (GuestMemory memory = GuestMemory.present(large);
                DirtyTracker tracker = DirtyTrackers.open(memory, choice)) {
            tracker.start();
            memory.putByte((7L << 16) + 1, (byte) 1);
            memory.putByte((7L << 16) + 40_000, (byte) 1);
            memory.putByte((9L << 16) + 65_535, (byte) 1);
            assertThat(Reported.by(tracker, memory).each()).containsExactly("0:7", "0:9");
        }
    }
}
