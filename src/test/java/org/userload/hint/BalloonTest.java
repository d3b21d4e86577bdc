package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

@Timeout(60)
class BalloonTest {
    /** Pages 0 to 99, pages 100 to 149 right behind them, and 50 pages from page 1000 on. */
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new RegionTable.Entry(0, 100),
                    new RegionTable.Entry(100 << 12, 50),
                    new RegionTable.Entry(1000 << 12, 50)));

    private static RangeBatch range(long first, long count) {
        return new RangeBatch().add(first, count);
    }

    private static void fill(GuestMemory memory) {
        for (RegionTable.Entry entry : memory.table().entries()) {
            memory.fill(entry.guestAddress(), entry.pageCount() << 12, (byte) 7);
        }
    }

    private static List<PageRange> free(FreePages pages, int region, long count) {
        List<PageRange> runs = new ArrayList<>();
        for (long page = 0; page < count; page++) {
            if (isFree(pages, region, page)) {
                int last = runs.size() - 1;
                if (last >= 0 && runs.get(last).end() == page) {
                    runs.set(
                            last,
                            new PageRange(runs.get(last).first(), runs.get(last).count() + 1));
                } else {
                    runs.add(new PageRange(page, 1));
                }
            }
        }
        return runs;
    }

    private static boolean isFree(FreePages pages, int region, long page) {
        return pages.emptyFrom(region, page, page + 1) == 1;
    }

    private static List<String> collected(Balloon balloon) {
        List<String> runs = new ArrayList<>();
        balloon.collect((region, first, count) -> runs.add(region + ":" + first + "+" + count));
        return runs;
    }

    @Test
    void inflatedPages_areZero_alsoOnceTheyAreBack_andTheirNeighboursAreAsTheyWere() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            fill(memory);
            Balloon balloon = Balloon.empty(memory, 0);
            assertThat(balloon.inflate(range(98, 4).add(1049, 1))).isEqualTo(new Accepted(5));
            assertThat(balloon.pages()).isEqualTo(5);
            assertThat(balloon.deflate(range(98, 3))).isEqualTo(new Accepted(3));
            for (long page = 0; page < 1050; page += page == 149 ? 851 : 1) {
                boolean was = (page >= 98 && page < 102) || page == 1049;
                assertThat(memory.getLong(page << 12)).as("page %d", page).isEqualTo(was ? 0 : 0x0707070707070707L);
            }
        }
    }

    @Test
    void refusedMessage_dropsNothing() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            fill(memory);
            Balloon balloon = Balloon.empty(memory, 0);
            balloon.inflate(range(30, 1));
            assertThat(balloon.inflate(range(10, 5).add(150, 1)))
                    .isEqualTo(new Refused(Refusal.OUTSIDE_MEMORY, 1, 150, 1));
            assertThat(balloon.inflate(range(10, 5).add(29, 2)))
                    .isEqualTo(new Refused(Refusal.RELEASED_ALREADY, 1, 29, 2));
            assertThat(balloon.inflate(range(10, 5).add(14, 2)))
                    .isEqualTo(new Refused(Refusal.OVERLAPS_ITSELF, 1, 14, 2));
            assertThat(balloon.deflate(range(31, 1))).isEqualTo(new Refused(Refusal.NOT_RELEASED, 0, 31, 1));
            for (long page = 10; page < 16; page++) {
                assertThat(memory.getByte(page << 12)).isEqualTo((byte) 7);
            }
            assertThat(balloon.pages()).isEqualTo(1);
        }
    }

    @Test
    void balloon_leavesTheFloor_andTakesAllWithoutOne() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            fill(memory);
            Balloon floor = Balloon.empty(memory, 20);
            assertThat(floor.inflate(range(0, 150).add(1000, 50)))
                    .isEqualTo(new Refused(Refusal.BELOW_FLOOR, -1, 0, 0));
            assertThat(floor.inflate(range(0, 150).add(1000, 30))).isEqualTo(new Accepted(180));
            assertThat(floor.inflate(range(1030, 1))).isEqualTo(new Refused(Refusal.BELOW_FLOOR, -1, 0, 0));
            assertThat(((Refused) floor.inflate(range(1030, 1))).message())
                    .isEqualTo("the message would leave the guest less memory than it must keep");
            assertThat(floor.memory().refusals(Refusal.BELOW_FLOOR)).isEqualTo(3);
            assertThat(memory.getByte(1030 << 12)).isEqualTo((byte) 7);
            assertThat(floor.deflate(range(0, 1))).isEqualTo(new Accepted(1));
            assertThat(floor.inflate(range(1030, 1))).isEqualTo(new Accepted(1));

            Balloon all = Balloon.empty(memory, 0);
            assertThat(all.inflate(range(0, 150).add(1000, 50))).isEqualTo(new Accepted(200));
        }
    }

    /** Pages named many times: their sum overflows a long and comes out small. */
    @Test
    void messageThatNamesMoreThanCanBeCounted_isRefused() {
        long pages = 1L << 32;
        int times = 1 << 15;
        ReleasedMemory guest = new ReleasedMemory(pages, 1);
        guest.addMemory(0, pages);
        RangeBatch message = new RangeBatch();
        for (int i = 0; i < times; i++) {
            message.add(0, pages);
        }
        assertThat(guest.release(message)).isEqualTo(new Refused(Refusal.BELOW_FLOOR, -1, 0, 0));
        assertThat(guest.releasedPages()).isZero();
    }

    @Test
    void migration_findsFreeWhatIsInTheBalloon_andWhatIsNoMemory() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            ReleasedMemory guest = new ReleasedMemory(1050);
            guest.addMemory(0, 120);
            guest.addMemory(1010, 30);
            Balloon balloon = new Balloon(memory, guest);
            balloon.inflate(range(90, 15).add(1015, 5));
            FreePages pages = new FreePages(TABLE);
            pages.watch();
            balloon.attach(pages);
            assertThat(free(pages, 0, 100)).containsExactly(new PageRange(90, 10));
            assertThat(free(pages, 1, 50)).containsExactly(new PageRange(0, 5), new PageRange(20, 30));
            assertThat(free(pages, 2, 50))
                    .containsExactly(new PageRange(0, 10), new PageRange(15, 5), new PageRange(40, 10));
            assertThat(collected(balloon)).isEmpty();
        }
    }

    @Test
    void changesDuringAMigration_areToldOnce_andFreeOnlyWhileInTheBalloon() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            Balloon balloon = Balloon.empty(memory, 0);
            FreePages pages = new FreePages(TABLE);
            pages.watch();
            balloon.attach(pages);
            balloon.inflate(range(90, 15));
            balloon.inflate(range(50, 1));
            balloon.deflate(range(92, 3));
            assertThat(free(pages, 0, 100))
                    .containsExactly(new PageRange(50, 1), new PageRange(90, 2), new PageRange(95, 5));
            // The tracker reports the drops, and this the pages that are free all the same.
            pages.used(0, 50, 50);
            assertThat(collected(balloon)).containsExactly("0:50+1", "0:90+10", "1:0+5");
            assertThat(free(pages, 0, 100))
                    .containsExactly(new PageRange(50, 1), new PageRange(90, 2), new PageRange(95, 5));
            assertThat(collected(balloon)).isEmpty();
            balloon.deflate(range(50, 1));
            assertThat(collected(balloon)).containsExactly("0:50+1");
            balloon.detach(true);
            balloon.inflate(range(1, 1));
            assertThat(free(pages, 0, 20)).isEmpty();
            balloon.attach(new FreePages(TABLE));
        }
    }

    @Test
    void frozenBalloon_refusesEverything_untilTheGuestIsFoundToStay() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            fill(memory);
            Balloon balloon = Balloon.empty(memory, 0);
            balloon.inflate(range(0, 1));
            balloon.attach(new FreePages(TABLE));
            balloon.freeze();
            assertThat(balloon.inflate(range(1, 1))).isEqualTo(new Refused(Refusal.MOVING, -1, 0, 0));
            assertThat(balloon.deflate(range(0, 1))).isEqualTo(new Refused(Refusal.MOVING, -1, 0, 0));
            assertThat(memory.getByte(1 << 12)).isEqualTo((byte) 7);
            balloon.detach(true);
            assertThat(balloon.inflate(range(1, 1))).isEqualTo(new Accepted(1));
            balloon.attach(new FreePages(TABLE));
            balloon.freeze();
            balloon.detach(false);
            assertThat(balloon.inflate(range(2, 1))).isEqualTo(new Refused(Refusal.MOVING, -1, 0, 0));
        }
    }

    @Test
    void balloonHasOneMigrationAtATime() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            Balloon balloon = Balloon.empty(memory, 0);
            assertThatThrownBy(() -> balloon.collect((region, first, count) -> {}))
                    .isInstanceOf(IllegalStateException.class);
            balloon.attach(new FreePages(TABLE));
            assertThatThrownBy(() -> balloon.attach(new FreePages(TABLE))).isInstanceOf(IllegalStateException.class);
        }
    }

    /** What lay in the pages here before, as a copy of what the other host had, must not come back to the guest. */
    @Test
    void movedBalloon_isAsItWas_andGivesZeroPages_whateverIsInThem() {
        try (GuestMemory here = GuestMemory.present(TABLE);
                GuestMemory there = GuestMemory.present(TABLE)) {
            ReleasedMemory guest = new ReleasedMemory(1050, 7);
            guest.addMemory(0, 120);
            guest.addMemory(1010, 30);
            Balloon balloon = new Balloon(here, guest);
            balloon.inflate(range(90, 15).add(1015, 5).add(3, 1));
            fill(there);
            Balloon moved =
                    Balloon.moved(there, BalloonState.ofBytes(balloon.state().toBytes()));
            assertThat(RangeModel.ranges(moved.memory().memory()))
                    .containsExactly(new PageRange(0, 120), new PageRange(1010, 30));
            assertThat(RangeModel.ranges(moved.memory().released()))
                    .containsExactly(new PageRange(3, 1), new PageRange(90, 15), new PageRange(1015, 5));
            assertThat(moved.memory().floorPages()).isEqualTo(7);
            assertThat(moved.deflate(range(91, 14))).isEqualTo(new Accepted(14));
            for (long page = 89; page < 107; page++) {
                boolean back = page >= 91 && page < 105;
                assertThat(memoryByte(there, page)).as("page %d", page).isEqualTo(back ? 0 : 7);
            }
        }
    }

    private static int memoryByte(GuestMemory memory, long page) {
        return memory.getByte(page << 12);
    }

    @Test
    void memoryOutsideTheRegions_isRefused() {
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            ReleasedMemory guest = new ReleasedMemory(2000);
            guest.addMemory(140, 20);
            assertThatThrownBy(() -> new Balloon(memory, guest))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("20 pages from page 140");
        }
    }
}
