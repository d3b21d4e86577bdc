package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.protocol.PageRuns;
import org.userload.protocol.Preference;
import org.userload.protocol.SessionId;
import org.userload.protocol.StartFlags;
import org.userload.source.StreamOrder.Run;
import org.userload.support.Seeds;

/** The order of the last pass, beside a model that goes page by page. */
@Timeout(120)
class StreamOrdersTest {
    private static final int[] REGION_PAGES = {1_700, 40, 1_100};

    private static RegionTable table() {
        List<RegionTable.Entry> entries = new ArrayList<>();
        for (int i = 0; i < REGION_PAGES.length; i++) {
            entries.add(new RegionTable.Entry((long) i << 32, REGION_PAGES[i]));
        }
        return new RegionTable(PageSize.DEFAULT, entries);
    }

    /** What is wanted, page by page, in lists. */
    private static final class Model {
        private final BitSet[] sent = new BitSet[REGION_PAGES.length];
        private final List<int[]> soon = new ArrayList<>();
        private final List<int[]> first = new ArrayList<>();
        private final List<int[]> faults = new ArrayList<>();

        Model() {
            for (int i = 0; i < sent.length; i++) {
                sent[i] = new BitSet();
            }
        }

        private int @Nullable [] firstUnsent(List<int[]> pages) {
            return pages.stream()
                    .filter(page -> !sent[page[0]].get(page[1]))
                    .findFirst()
                    .orElse(null);
        }

        /** The page that has to come next; null for none. */
        int @Nullable [] next(StartFlags flags) {
            int @Nullable [] page = firstUnsent(soon);
            if (page == null) {
                page = firstUnsent(first);
            }
            if (page == null && !flags.onlyPreferred()) {
                page = firstUnsent(flags.followFaults() && !faults.isEmpty() ? aroundFaults() : from(0, 0));
            }
            return page;
        }

        private List<int[]> aroundFaults() {
            List<int[]> pages = new ArrayList<>();
            int oldest = Math.max(0, faults.size() - 4);
            for (int i = faults.size() - 1; i >= oldest; i--) {
                int region = faults.get(i)[0];
                int at = faults.get(i)[1];
                int block = at / 512 * 512;
                for (int page = at; page < Math.min(block + 512, REGION_PAGES[region]); page++) {
                    pages.add(new int[] {region, page});
                }
                for (int page = block; page < at; page++) {
                    pages.add(new int[] {region, page});
                }
            }
            int[] latest = faults.get(faults.size() - 1);
            pages.addAll(from(latest[0], latest[1]));
            pages.addAll(from(0, 0));
            return pages;
        }

        private static List<int[]> from(int region, int page) {
            List<int[]> pages = new ArrayList<>();
            for (int in = region; in < REGION_PAGES.length; in++) {
                for (int at = in == region ? page : 0; at < REGION_PAGES[in]; at++) {
                    pages.add(new int[] {in, at});
                }
            }
            return pages;
        }

        int unsent() {
            int unsent = 0;
            for (int i = 0; i < sent.length; i++) {
                unsent += REGION_PAGES[i] - sent[i].cardinality();
            }
            return unsent;
        }
    }

    /** A session and the order of its last pass. */
    private static final class Real implements AutoCloseable {
        final GuestMemory memory = GuestMemory.present(table());
        final SourceSession session = new SourceSession(
                SessionId.random(),
                new LivePageSource(memory, "a guest"),
                true,
                false,
                new PageEncoding(Compression.NONE, 0),
                UnreadPages.NONE,
                false);
        final PreferredOrder preferred = new PreferredOrder(session::sent);
        final LastOrder order = new LastOrder(session, preferred);

        @Override
        public void close() {
            memory.close();
        }
    }

    @RepeatedTest(8)
    void everyPageComesOnce_preferredOnesFirst_thenThoseAroundFaults() {
        SplittableRandom random = Seeds.random("StreamOrdersTest");
        try (Real real = new Real()) {
            Model model = new Model();
            StartFlags flags = new StartFlags(random.nextBoolean(), random.nextBoolean());
            real.order.flags(flags);
            while (model.unsent() > 0) {
                switch (random.nextInt(8)) {
                    case 0 -> prefer(random, real, model);
                    case 1 -> fault(random, real, model);
                    case 2 -> acknowledge(random, real, model);
                    case 3 -> {
                        if (random.nextInt(30) == 0) {
                            flags = new StartFlags(false, random.nextBoolean());
                            real.order.flags(flags);
                        }
                    }
                    default -> send(random, real, model, flags);
                }
            }
            assertThat(real.order.next(16)).isNull();
            assertThat(real.session.unsentPages()).isZero();
        }
    }

    private static void prefer(SplittableRandom random, Real real, Model model) {
        int region = random.nextInt(REGION_PAGES.length);
        int page = random.nextInt(REGION_PAGES[region]);
        int count = 1 + random.nextInt(Math.min(REGION_PAGES[region] - page, 100));
        Preference how = random.nextBoolean() ? Preference.SOON : Preference.FIRST;
        real.preferred.prefer(how, region, page, count);
        for (int i = 0; i < count; i++) {
            (how == Preference.SOON ? model.soon : model.first).add(new int[] {region, page + i});
        }
    }

    /** As the request loop does. */
    private static void fault(SplittableRandom random, Real real, Model model) {
        int region = random.nextInt(REGION_PAGES.length);
        int page = random.nextInt(REGION_PAGES[region]);
        real.session.sent(region).set(page);
        real.session.faults().note(region, page);
        model.sent[region].set(page);
        model.faults.add(new int[] {region, page});
    }

    private static void acknowledge(SplittableRandom random, Real real, Model model) {
        int region = random.nextInt(REGION_PAGES.length);
        int page = random.nextInt(REGION_PAGES[region]);
        int count = Math.min(REGION_PAGES[region] - page, 1 + random.nextInt(30));
        real.session.sent(region).set(page, count);
        model.sent[region].set(page, page + count);
    }

    private static void send(SplittableRandom random, Real real, Model model, StartFlags flags) {
        int most = 1 + random.nextInt(64);
        int @Nullable [] expected = model.next(flags);
        Run run = real.order.next(most);
        if (expected == null) {
            assertThat(run).isNull();
            return;
        }
        if (run == null) {
            throw new AssertionError("nothing, expected page " + expected[1] + " of region " + expected[0]);
        }
        PageRange pages = run.pages();
        assertThat(run.region()).isEqualTo(expected[0]);
        assertThat(pages.first()).isEqualTo(expected[1]);
        assertThat(pages.count()).isBetween(1L, (long) most);
        int end = (int) (pages.first() + pages.count());
        assertThat(model.sent[run.region()].get((int) pages.first(), end).cardinality())
                .as("pages that were sent before")
                .isZero();
        // The stream may take less of a run than it is offered.
        int taken = 1 + random.nextInt((int) pages.count());
        real.session.sent(run.region()).set(pages.first(), taken);
        model.sent[run.region()].set((int) pages.first(), (int) pages.first() + taken);
    }

    @Test
    void preferencesBeyondTheLimit_areNotKept_andTheRestStillComes() {
        try (Real real = new Real()) {
            for (int i = 0; i < PreferredOrder.MAX_PENDING_RUNS; i++) {
                real.preferred.prefer(Preference.FIRST, 0, 7, 1);
            }
            real.preferred.prefer(Preference.FIRST, 0, 9, 1);
            assertThat(real.order.next(16)).isEqualTo(new Run(0, new PageRange(7, 1)));
            real.session.sent(0).set(7);
            assertThat(real.order.next(16)).isEqualTo(new Run(0, new PageRange(0, 7)));
        }
    }

    @Test
    void longestRun_keepsItsPlaces() {
        try (Real real = new Real()) {
            real.preferred.prefer(Preference.SOON, 2, 100, 1_000);
            for (int sent = 0; sent < 1_000; sent += 10) {
                assertThat(real.order.next(10)).isEqualTo(new Run(2, new PageRange(100 + sent, 10)));
                real.session.sent(2).set(100 + sent, 10);
            }
            assertThat(PageRuns.MAX_PREFERRED_PAGES).isGreaterThanOrEqualTo(1_000);
        }
    }

    /** Requests and the stream at once: the request loop takes pages away from the very run that the stream has found. */
    @Test
    void requestsMeanwhile_leaveNoPageOut_andMakeNoRunEmpty() throws Exception {
        for (int walk = 0; walk < 300; walk++) {
            try (Real real = new Real()) {
                real.order.flags(new StartFlags(false, true));
                SplittableRandom random = Seeds.random("StreamOrdersTest");
                var asking = org.userload.support.Threads.start(() -> {
                    for (int i = 0; i < 2_000; i++) {
                        int region = random.nextInt(REGION_PAGES.length);
                        int page = random.nextInt(REGION_PAGES[region]);
                        real.session.sent(region).set(page);
                        real.session.faults().note(region, page);
                    }
                    return null;
                });
                Run run = real.order.next(16);
                while (run != null) {
                    assertThat(run.pages().count()).isBetween(1L, 16L);
                    real.session
                            .sent(run.region())
                            .set(run.pages().first(), run.pages().count());
                    run = real.order.next(16);
                }
                org.userload.support.Threads.join(asking, 20);
                assertThat(real.order.next(16)).isNull();
                assertThat(real.session.unsentPages()).isZero();
            }
        }
    }
}
