package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the page tables say of each kind of page. */
@Timeout(60)
class PopulatedPagesTest {
    private static final long PAGE = Mapping.hostPageSize();
    private static final int PAGES = 64;

    private static long lead(PopulatedPages pages, Mapping memory, int first) {
        long start = memory.address() + first * PAGE;
        long end = memory.address() + memory.length();
        return pages.lead(start, end, end) / PAGE;
    }

    @Test
    void pagesThatWereWritten_canHoldSomething_others_areZero() {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE);
                PopulatedPages pages = PopulatedPages.open()) {
            assertThat(lead(pages, memory, 0)).isEqualTo(PAGES);
            ByteBuffer bytes = memory.buffer(0, (int) memory.length());
            bytes.put((int) (5 * PAGE), (byte) 1);
            bytes.put((int) (6 * PAGE), (byte) 0);
            assertThat(bytes.get((int) (7 * PAGE))).isZero(); // maps the zero page
            assertThat(lead(pages, memory, 0)).isEqualTo(5);
            assertThat(lead(pages, memory, 5)).isEqualTo(-2);
            assertThat(lead(pages, memory, 7)).isEqualTo(PAGES - 7);
            Mapping.discard(memory.address() + 5 * PAGE, PAGE);
            assertThat(lead(pages, memory, 0)).isEqualTo(6);
        }
    }

    /** A poisoned page has an entry without a page, as a swapped one has, and it is not that of write protection. */
    @Test
    void entryThatIsNoMarkerOfWriteProtection_isNotZero() {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE);
                PopulatedPages pages = PopulatedPages.open();
                Userfaultfd uffd = Userfaultfd.builder()
                        .require(UffdFeature.POISON)
                        .allowUserModeOnly()
                        .open()) {
            uffd.register(memory.address(), memory.length());
            assertThat(uffd.poison(memory.address() + 9 * PAGE, PAGE)).isNotNegative();
            uffd.unregister(memory.address(), memory.length());
            assertThat(lead(pages, memory, 0)).isEqualTo(9);
            assertThat(lead(pages, memory, 9)).isEqualTo(-1);
        }
    }

    @Test
    void pagesProtectedBeforeTheyWereTouched_areZero_untilTheyAreWritten() {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE);
                PopulatedPages pages = PopulatedPages.open();
                Userfaultfd uffd = Userfaultfd.builder()
                        .require(UffdFeature.WP_ASYNC)
                        .require(UffdFeature.WP_UNPOPULATED)
                        .allowUserModeOnly()
                        .open()) {
            ByteBuffer bytes = memory.buffer(0, (int) memory.length());
            bytes.put((int) (3 * PAGE), (byte) 1);
            uffd.registerForWrites(memory.address(), memory.length());
            uffd.writeProtect(memory.address(), memory.length());
            assertThat(lead(pages, memory, 0)).isEqualTo(3);
            assertThat(lead(pages, memory, 3)).isEqualTo(-1);
            assertThat(lead(pages, memory, 4)).isEqualTo(PAGES - 4);
            bytes.put((int) (20 * PAGE), (byte) 1); // after the scan that found all of it marked
            assertThat(lead(pages, memory, 4)).isEqualTo(16);
            assertThat(lead(pages, memory, 20)).isEqualTo(-1);
        }
    }

    @Test
    void closed_knowsNothing() {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE)) {
            PopulatedPages pages = PopulatedPages.open();
            pages.close();
            pages.close();
            assertThat(lead(pages, memory, 0)).isEqualTo(-PAGES);
        }
    }
}
