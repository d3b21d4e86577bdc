package org.userload.support;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.userload.hint.FreePageReporter;
import org.userload.hint.FreePageSink;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.Guest;

/**
 * A guest whose threads take free pages, fill them, write to them and give them back as fast as they can, and that tells which are
 * free at random moments: at once, piece by piece, or so late that the pages have long been taken again. It looks at each page
 * that it gives back; what it expects in each is kept beside its memory and moves along.
 *
 * <p>A page belongs to the thread that has cleared its bit of {@link State#free}. The bit is cleared before the page is written to and
 * set after the last write, so whoever reads it as set knows a moment in which the page was free.
 */
public final class HintingGuest implements Guest, FreePageReporter, AutoCloseable {
    private static final int PAGE_WORDS = 512;
    private static final int PAGE_BYTES = 4096;
    private static final int BURST = 16;

    /** What the guest has besides memory, and what it expects there. */
    public static final class State {
        private final RegionTable table;
        private final int pages;
        private final long poisonWord;
        private final AtomicBitmap free;
        private final long[] expected;
        private final List<List<Integer>> owned = new ArrayList<>();
        private final AtomicReference<@Nullable String> wrong = new AtomicReference<>();
        private final AtomicInteger reports = new AtomicInteger();
        private int generation;

        /** @param poison what it fills free pages with and wants to find in them, 0 for nothing */
        public State(RegionTable table, int threads, long poison) {
            this.table = table;
            this.pages = (int) table.totalPages();
            this.poisonWord = poison;
            this.free = new AtomicBitmap(pages);
            this.expected = new long[pages * PAGE_WORDS];
            free.set(0, pages);
            for (int i = 0; i < threads; i++) {
                owned.add(new ArrayList<>());
            }
        }

        /** Where a page lies. */
        public long addressOf(int page) {
            return table.entries().get(regionOf(page)).guestAddress() + ((long) pageInRegion(page) << 12);
        }

        /** Index of the region of a page, the pages of all regions counted one after the other. */
        public int regionOf(int page) {
            int region = 0;
            long left = page;
            while (left >= table.entries().get(region).pageCount()) {
                left -= table.entries().get(region).pageCount();
                region++;
            }
            return region;
        }

        /** Its page in that region. */
        public int pageInRegion(int page) {
            long left = page;
            for (int region = 0; left >= table.entries().get(region).pageCount(); region++) {
                left -= table.entries().get(region).pageCount();
            }
            return (int) left;
        }

        /** Gives the words of a page. */
        public interface Words {
            long at(int page, int offset);
        }

        /**
         * What is wrong with memory, or null: a page in use has to be as it was left, a free one as it was left or filled with the
         * poison word. Only while the guest stands still.
         */
        public @Nullable String firstWrong(Words words) {
            if (wrong.get() != null) {
                return wrong.get();
            }
            for (int page = 0; page < pages; page++) {
                boolean asLeft = true;
                boolean poisoned = free.get(page);
                for (int word = 0; word < PAGE_WORDS && (asLeft || poisoned); word++) {
                    long value = words.at(page, word * Long.BYTES);
                    asLeft &= value == expected[page * PAGE_WORDS + word];
                    poisoned &= value == poisonWord;
                }
                if (!asLeft && !poisoned) {
                    return (free.get(page) ? "free" : "used") + " page " + page + " holds "
                            + Long.toHexString(words.at(page, 0)) + ", expected "
                            + Long.toHexString(expected[page * PAGE_WORDS]);
                }
            }
            return null;
        }

        /** Pages that it uses. */
        public long used() {
            return pages - free.cardinality();
        }
    }

    private final GuestMemory memory;
    private final State state;
    private final long seed;
    private final int pauseNanos;
    private final SplittableRandom reporterRandom;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stop;
    private volatile int lastReport;

    /** @param pauseNanos what a thread rests for each step, at most, some steps together; 0 for as fast as it can */
    public HintingGuest(GuestMemory memory, State state, long seed, int pauseNanos) {
        this.memory = memory;
        this.pauseNanos = pauseNanos;
        this.state = state;
        this.seed = seed;
        this.reporterRandom = new SplittableRandom(seed);
    }

    /** Fills all memory as free pages are filled. Before it runs. */
    public HintingGuest filled() {
        if (state.poisonWord != 0) {
            for (int page = 0; page < state.pages; page++) {
                fill(page);
            }
        }
        return this;
    }

    private void run(int thread, SplittableRandom random) {
        List<Integer> mine = state.owned.get(thread);
        byte[] buffer = new byte[PAGE_BYTES];
        int most = state.pages / state.owned.size() * 2 / 3;
        while (!stop && state.wrong.get() == null) {
            int page = random.nextInt(state.pages);
            if (mine.size() < most && random.nextInt(8) != 0 && state.free.clear(page)) {
                take(page, random, buffer);
                mine.add(page);
            } else if (!mine.isEmpty()) {
                int index = random.nextInt(mine.size());
                if (random.nextInt(4) == 0) {
                    page = mine.get(index);
                    mine.set(index, mine.get(mine.size() - 1));
                    mine.remove(mine.size() - 1);
                    giveBack(page);
                } else {
                    write(mine.get(index), random);
                }
            }
            if (pauseNanos > 0 && random.nextInt(BURST) == 0) {
                LockSupport.parkNanos((long) random.nextInt(pauseNanos) * BURST);
            }
        }
    }

    private void take(int page, SplittableRandom random, byte[] buffer) {
        if (state.poisonWord != 0) {
            check(page, "was free and is not poisoned");
        }
        long value = random.nextLong();
        for (int word = 0; word < PAGE_WORDS; word++) {
            long content = value * (word + 1);
            state.expected[page * PAGE_WORDS + word] = content;
            for (int i = 0; i < Long.BYTES; i++) {
                buffer[word * Long.BYTES + i] = (byte) (content >>> 8 * i);
            }
        }
        memory.put(state.addressOf(page), buffer, 0, PAGE_BYTES);
    }

    private void write(int page, SplittableRandom random) {
        int word = random.nextInt(PAGE_WORDS);
        long value = random.nextLong();
        state.expected[page * PAGE_WORDS + word] = value;
        memory.putLong(state.addressOf(page) + (long) word * Long.BYTES, value);
    }

    private void giveBack(int page) {
        check(page, "is not as it was left");
        if (state.poisonWord != 0) {
            fill(page);
        }
        state.free.set(page);
    }

    private void fill(int page) {
        Arrays.fill(state.expected, page * PAGE_WORDS, (page + 1) * PAGE_WORDS, state.poisonWord);
        for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
            memory.putLong(state.addressOf(page) + at, state.poisonWord);
        }
    }

    private void check(int page, String problem) {
        for (int word = 0; word < PAGE_WORDS; word++) {
            long value = memory.getLong(state.addressOf(page) + (long) word * Long.BYTES);
            if (value != state.expected[page * PAGE_WORDS + word]) {
                state.wrong.compareAndSet(
                        null, "page " + page + " " + problem + ": word " + word + " is " + Long.toHexString(value));
                return;
            }
        }
    }

    @Override
    public synchronized void resume() {
        if (!threads.isEmpty()) {
            return;
        }
        stop = false;
        state.generation++;
        for (int i = 0; i < state.owned.size(); i++) {
            int number = i;
            SplittableRandom random = new SplittableRandom(seed ^ state.generation * 1000L + i);
            Thread thread = new Thread(() -> run(number, random), "hinting-guest-" + i);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
    }

    @Override
    public synchronized void pause() {
        stop = true;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        threads.clear();
    }

    @Override
    public byte[] saveCpuState() {
        return new byte[] {1};
    }

    @Override
    public void restoreCpuState(byte[] saved) {
        // The state is shared with the guest that was.
    }

    @Override
    public boolean writesThroughGuestMemoryOnly() {
        return true;
    }

    @Override
    public Optional<FreePageReporter> freePageReporter() {
        return Optional.of(this);
    }

    @Override
    public CompletableFuture<Void> report(int id, FreePageSink sink) {
        lastReport = id;
        CompletableFuture<Void> done = new CompletableFuture<>();
        SplittableRandom random = reporterRandom.split();
        state.reports.incrementAndGet();
        Thread thread = new Thread(() -> report(id, sink, random, done), "hinting-reporter");
        thread.setDaemon(true);
        thread.start();
        return done;
    }

    /** What it says is true, but it may be long ago. */
    private void report(int id, FreePageSink sink, SplittableRandom random, CompletableFuture<Void> done) {
        try {
            int style = random.nextInt(4);
            int pieces = style == 1 ? 8 : 1;
            int size = state.pages / pieces + 1;
            for (int at = 0; at < state.pages; at += size) {
                List<int[]> runs = freeRuns(at, Math.min(at + size, state.pages));
                if (style == 2) {
                    awaitOver(id, random.nextInt(30)); // Given when nobody wants it any more.
                } else if (style != 0) {
                    LockSupport.parkNanos(random.nextInt(1 << random.nextInt(10, 25)));
                }
                for (int[] run : runs) {
                    sink.free(state.addressOf(run[0]), run[1]);
                }
            }
        } finally {
            done.complete(null);
        }
    }

    private void awaitOver(int id, int mostMillis) {
        for (int i = 0; i < mostMillis && lastReport == id; i++) {
            LockSupport.parkNanos(1_000_000);
        }
        LockSupport.parkNanos(200_000);
    }

    /** First page and count of each run of free pages, none of which reaches over the end of a region. */
    private List<int[]> freeRuns(int from, int to) {
        List<int[]> runs = new ArrayList<>();
        int page = (int) state.free.nextSet(from, to);
        while (page < to) {
            int end = page + 1;
            while (end < to && state.free.get(end) && state.pageInRegion(end) != 0) {
                end++;
            }
            runs.add(new int[] {page, end - page});
            page = (int) state.free.nextSet(end, to);
        }
        return runs;
    }

    @Override
    public void stop(int id) {
        lastReport = 0;
    }

    /** How often it was asked, wherever it was. */
    public int reports() {
        return state.reports.get();
    }

    @Override
    public void close() {
        pause();
    }
}
