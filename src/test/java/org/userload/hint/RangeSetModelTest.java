package org.userload.hint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.support.Seeds;

/** Every operation against a bit for each page, in shapes that take the set through all of its forms. */
@Timeout(120)
class RangeSetModelTest {
    private static final int CHUNK = Chunk.SIZE;

    /** Where and how large the ranges of a run are. */
    enum Shape {
        SINGLE_PAGES {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return new long[] {random.nextLong(limit), 1};
            }
        },
        SINGLE_PAGES_OF_ONE_CHUNK {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return new long[] {random.nextLong(Math.min(limit, 3000)), 1};
            }
        },
        SEQUENTIAL {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return new long[] {step % limit, 1};
            }
        },
        EVERY_SECOND {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return new long[] {2L * step % limit, 1};
            }
        },
        SMALL {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return within(random.nextLong(limit), 1 + random.nextInt(512), limit);
            }
        },
        LARGE {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                return within(random.nextLong(limit), 1 + random.nextLong(limit), limit);
            }
        },
        CHUNK_EDGES {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                long edge = random.nextLong(limit / CHUNK + 1) * CHUNK;
                long first = Math.min(limit - 1, Math.max(0, edge - random.nextInt(4) + random.nextInt(4)));
                long other = random.nextBoolean() ? random.nextInt(70) : random.nextInt(3) * (long) CHUNK;
                return within(first, 1 + other - Math.min(other, random.nextInt(3)), limit);
            }
        },
        MIXED {
            @Override
            long[] range(SplittableRandom random, long limit, int step) {
                Shape[] others = {SINGLE_PAGES, SINGLE_PAGES_OF_ONE_CHUNK, EVERY_SECOND, SMALL, SMALL, CHUNK_EDGES};
                Shape shape = random.nextInt(500) == 0 ? LARGE : others[random.nextInt(others.length)];
                return shape.range(random, limit, step);
            }
        };

        abstract long[] range(SplittableRandom random, long limit, int step);

        static long[] within(long first, long count, long limit) {
            return new long[] {first, Math.min(count, limit - first)};
        }
    }

    @ParameterizedTest
    @EnumSource(Shape.class)
    void set_behavesAsOneBitAPage_underRandomOperations(Shape shape) {
        SplittableRandom random = Seeds.random("RangeSetModelTest " + shape);
        for (long limit : new long[] {1, 70, CHUNK - 1, CHUNK, CHUNK + 1, 5L * CHUNK + 77}) {
            RangeSet set = new RangeSet(limit);
            RangeModel model = new RangeModel();
            // More is added, then more is removed, so that the forms are passed in either direction.
            for (int phase = 0; phase < 4; phase++) {
                int steps = limit < 1000 ? 300 : 3000;
                for (int i = 0; i < steps; i++) {
                    long[] range = shape.range(random, limit, i);
                    boolean add = random.nextInt(8) == 0 ^ phase % 2 == 0;
                    step(set, model, range[0], range[1], add);
                }
                model.compareWith(set);
            }
        }
    }

    private static void step(RangeSet set, RangeModel model, long first, long count, boolean add) {
        assertThat(set.overlaps(first, count)).isEqualTo(model.overlaps(first, count));
        assertThat(set.contains(first, count)).isEqualTo(model.contains(first, count));
        assertThat(set.contains(first)).isEqualTo(model.contains(first, 1));
        if (add) {
            assertThat(set.add(first, count)).isEqualTo(model.add(first, count));
        } else {
            assertThat(set.remove(first, count)).isEqualTo(model.remove(first, count));
        }
        assertThat(set.next(first)).isEqualTo(model.next(first));
        assertThat(set.contains(first, count)).isEqualTo(add);
        assertThat(set.overlaps(first, count)).isEqualTo(add);
    }

    @Test
    void allPagesInRandomOrder_becomeOneRange_andNoneInRandomOrder() {
        SplittableRandom random = Seeds.random("RangeSetModelTest all pages");
        int limit = 3 * CHUNK + 100;
        int[] order = shuffled(limit, random);
        RangeSet set = new RangeSet(limit);
        RangeModel model = new RangeModel();
        for (int i = 0; i < limit; i++) {
            assertThat(set.add(order[i], 1)).isEqualTo(model.add(order[i], 1));
            if (i % 20_011 == 0) {
                model.compareWith(set);
            }
        }
        assertThat(set.ranges()).isEqualTo(1);
        assertThat(set.pages()).isEqualTo(limit);
        int[] back = shuffled(limit, random);
        for (int i = 0; i < limit; i++) {
            assertThat(set.remove(back[i], 1)).isEqualTo(model.remove(back[i], 1));
            if (i % 20_011 == 0) {
                model.compareWith(set);
            }
        }
        assertThat(set.ranges()).isZero();
        assertThat(set.pages()).isZero();
    }

    private static int[] shuffled(int size, SplittableRandom random) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
