package org.userload.benchmark;

import com.google.common.collect.Range;
import com.google.common.collect.TreeRangeSet;
import java.util.BitSet;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.RangeBatch;
import org.userload.hint.RangeSet;
import org.userload.hint.ReleasedMemory;

/** Something that keeps a set of pages, as {@link RangeSetComparison} uses it. */
interface RangeSubject {
    void add(int first, int count);

    /** All that was added is in place. */
    default void flush() {}

    void remove(int first, int count);

    boolean contains(int page);

    /** Which subjects there are. */
    enum Kind {
        /** The front with all its checks, 4096 ranges in a message. */
        RELEASED_MEMORY,
        /** One call for each range. */
        RANGE_SET,
        ROARING,
        TREE_RANGE_SET,
        BIT_SET;

        RangeSubject create(int pages) {
            return switch (this) {
                case RELEASED_MEMORY -> new Front(pages);
                case RANGE_SET -> new Set(new RangeSet(pages));
                case ROARING -> new Roaring(new Roaring64Bitmap());
                case TREE_RANGE_SET -> new Tree(TreeRangeSet.create());
                case BIT_SET -> new Bits(new BitSet(pages));
            };
        }
    }

    /** Messages of a guest. */
    final class Front implements RangeSubject {
        private static final int RANGES = 4096;

        private final ReleasedMemory memory;
        private final RangeBatch message = new RangeBatch();

        Front(int pages) {
            memory = new ReleasedMemory(pages);
            accepted(memory.addMemory(0, pages) instanceof Accepted);
        }

        private static void accepted(boolean accepted) {
            if (!accepted) {
                throw new IllegalStateException("a message was refused");
            }
        }

        @Override
        public void add(int first, int count) {
            message.add(first, count);
            if (message.size() == RANGES) {
                flush();
            }
        }

        @Override
        public void flush() {
            if (message.size() > 0) {
                accepted(memory.release(message) instanceof Accepted);
                message.clear();
            }
        }

        @Override
        public void remove(int first, int count) {
            memory.removeMemory(first, count);
        }

        @Override
        public boolean contains(int page) {
            return memory.isReleased(page);
        }
    }

    /** The set alone. */
    record Set(RangeSet set) implements RangeSubject {
        @Override
        public void add(int first, int count) {
            set.add(first, count);
        }

        @Override
        public void remove(int first, int count) {
            set.remove(first, count);
        }

        @Override
        public boolean contains(int page) {
            return set.contains(page);
        }
    }

    /** Chunks below an adaptive radix tree. */
    record Roaring(Roaring64Bitmap set) implements RangeSubject {
        @Override
        public void add(int first, int count) {
            if (count == 1) {
                set.addLong(first);
            } else {
                set.addRange(first, (long) first + count);
            }
        }

        @Override
        public void flush() {
            set.runOptimize();
        }

        @Override
        public void remove(int first, int count) {
            Roaring64Bitmap range = new Roaring64Bitmap();
            range.addRange(first, (long) first + count);
            set.andNot(range);
        }

        @Override
        public boolean contains(int page) {
            return set.contains(page);
        }
    }

    /** Ranges in a red-black tree. */
    record Tree(TreeRangeSet<Integer> set) implements RangeSubject {
        @Override
        public void add(int first, int count) {
            set.add(Range.closedOpen(first, first + count));
        }

        @Override
        public void remove(int first, int count) {
            set.remove(Range.closedOpen(first, first + count));
        }

        @Override
        public boolean contains(int page) {
            return set.contains(page);
        }
    }

    /** One bit a page, no ranges counted. */
    record Bits(BitSet set) implements RangeSubject {
        @Override
        public void add(int first, int count) {
            if (count == 1) {
                set.set(first);
            } else {
                set.set(first, first + count);
            }
        }

        @Override
        public void remove(int first, int count) {
            set.clear(first, first + count);
        }

        @Override
        public boolean contains(int page) {
            return set.get(page);
        }
    }
}
