package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.memory.PageRange;
import org.userload.support.Seeds;
import org.userload.support.TestJvm;

/** A heap that ends in the middle of a change. */
@Timeout(240)
class RangeSetOutOfMemoryTest {
    private static final int CHUNKS = 1 << 16;
    private static final int FAILURES = 8;

    /** Leaves so little of the heap that few thousand bitmaps fill it. */
    private static final int BALLAST_BYTES = 160 << 20;

    @Test
    void counts_areWhatTheSetHolds_afterChangesThatRanOutOfMemory() throws Exception {
        long seed = Seeds.of("RangeSetOutOfMemoryTest");
        TestJvm.Result result = TestJvm.run(200, Exhausting.class, Long.toString(seed));
        assertThat(result.output()).contains("counts were right after " + FAILURES + " failures");
        assertThat(result.exitCode()).isZero();
    }

    /** In a JVM of its own. */
    static final class Exhausting {
        private static final int SINGLES = 700;
        private static final byte[][] NOTHING = {};

        private final SplittableRandom random;
        private final RangeSet set = new RangeSet((long) CHUNKS * Chunk.SIZE);
        private final RangeBatch batch = new RangeBatch();
        private final List<byte[]> ballast = new ArrayList<>();
        private byte[][] unusedReserve = NOTHING;

        private Exhausting(long seed) {
            random = new SplittableRandom(seed);
        }

        public static void main(String[] arguments) {
            new Exhausting(Long.parseLong(arguments[0])).run();
        }

        private void run() {
            while (ballast.size() < BALLAST_BYTES >> 14) {
                ballast.add(new byte[1 << 14]);
            }
            for (int failures = 0; failures < FAILURES; failures++) {
                unusedReserve = new byte[256][1 << 14];
                long pages = 0;
                boolean batched = false;
                try {
                    while (true) {
                        pages = set.pages();
                        batched = random.nextInt(20) > 0;
                        change(batched);
                    }
                } catch (OutOfMemoryError e) {
                    unusedReserve = NOTHING;
                }
                check(failures, batched ? pages : -1);
                // Room for more, so that the heap ends at another place next time.
                set.remove(0, (1 + random.nextLong(CHUNKS)) * Chunk.SIZE);
            }
            System.out.println("counts were right after " + FAILURES + " failures");
        }

        /** Single pages of one chunk as a batch, or a range of up to three chunks that comes or goes. */
        private void change(boolean batched) {
            long chunk = random.nextLong(CHUNKS - 3) * Chunk.SIZE;
            if (batched) {
                batch.clear();
                int step = 1 + 2 * random.nextInt(40);
                int first = random.nextInt(100);
                for (int i = 0; i < SINGLES; i++) {
                    batch.add(chunk + first + (long) i * (step + 1), 1);
                }
                set.addAbsent(batch);
            } else {
                long first = chunk + random.nextInt(Chunk.SIZE);
                long count = 1L + random.nextInt(2 * Chunk.SIZE);
                if (random.nextBoolean()) {
                    set.add(first, count);
                } else {
                    set.remove(first, count);
                }
            }
        }

        /** @param pages that there must be, or -1 */
        private void check(int failure, long pages) {
            long found = 0;
            long ranges = 0;
            Optional<PageRange> next = set.next(0);
            while (next.isPresent()) {
                PageRange range = next.get();
                found += range.count();
                ranges++;
                next = range.end() < set.limit() ? set.next(range.end()) : Optional.empty();
            }
            if (found != set.pages() || ranges != set.ranges() || (pages >= 0 && pages != found)) {
                System.out.println("failure " + failure + ": " + found + " pages in " + ranges + " ranges, counted "
                        + set.pages() + " in " + set.ranges() + ", before a batch " + pages);
                System.exit(1);
            }
            System.out.println("failure " + failure + ": " + found + " pages in " + ranges + " ranges");
        }
    }
}
