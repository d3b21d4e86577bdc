package org.userload.trace;

/**
 * A trace that no program made: a number of accesses of one size, spread over pages by a simple rule. The same values
 * give the same trace everywhere; {@code docs/replay.md} specifies it. Immutable; any thread.
 *
 * <p>The first accesses read every page once, in order, so that all of them belong to the guest. The rest stays in the
 * working set: the first pages.
 *
 * @param pages pages of the guest, 1 to {@value PageNumbers#MAX_PAGES}
 * @param accesses accesses in all, at least 1
 * @param writes which part of the accesses to the working set are writes, 0 to 1; the others are reads
 * @param workingSetPages pages that are accessed after the first time, 1 to {@code pages}
 * @param pattern where in the working set
 * @param sizeBytes bytes of each access, 1 to 4096; its offset in a page is a multiple of that
 * @param seed of the random numbers
 */
public record SyntheticTrace(
        long pages, long accesses, double writes, long workingSetPages, Pattern pattern, int sizeBytes, long seed) {

    /** The order of the accesses to the working set. */
    public enum Pattern {
        /** Every place is as likely as every other, each time. */
        RANDOM,
        /** Upwards from the first place to the last, and again. */
        SEQUENTIAL
    }

    /** Bits of a random number that become a fraction: as many as a double holds. */
    private static final int FRACTION_BITS = 53;

    /** Random numbers that belong to one access. */
    private static final int DRAWS = 3;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public SyntheticTrace {
        require(pages >= 1 && pages <= PageNumbers.MAX_PAGES, pages + " pages", "1 to " + PageNumbers.MAX_PAGES);
        require(accesses >= 1, accesses + " accesses", "at least 1");
        require(writes >= 0 && writes <= 1, "a part of " + writes + " writes", "0 to 1");
        require(
                workingSetPages >= 1 && workingSetPages <= pages,
                "a working set of " + workingSetPages + " pages",
                "1 to the " + pages + " pages of the guest");
        require(Access.isSize(sizeBytes), "a size of " + sizeBytes + " bytes", Access.SIZE_EXPECTED);
    }

    private static void require(boolean holds, String found, String expected) {
        if (!holds) {
            throw new IllegalArgumentException(found + ", expected " + expected);
        }
    }

    /** A cursor over the accesses, which are computed one by one. */
    public TraceReader reader() {
        return new SyntheticReader(this);
    }

    /** Whether the access at a position is a write. */
    boolean isWrite(long position) {
        return position >= pages && (draw(position, 0) >>> (Long.SIZE - FRACTION_BITS)) * 0x1p-53 < writes;
    }

    /** Address of the access at a position. */
    long address(long position) {
        if (position < pages) {
            return position << Trace.PAGE_SHIFT;
        }
        int places = Trace.PAGE_BYTES / sizeBytes;
        long page;
        long place;
        if (pattern == Pattern.RANDOM) {
            page = below(workingSetPages, draw(position, 1));
            place = below(places, draw(position, 2));
        } else {
            long step = (position - pages) % (workingSetPages * places);
            page = step / places;
            place = step % places;
        }
        return (page << Trace.PAGE_SHIFT) + place * sizeBytes;
    }

    private long draw(long position, int which) {
        return ReplayArithmetic.memoryWord(seed, DRAWS * position + which);
    }

    /** A number from 0 to {@code limit - 1}, which is at most 2^32; all are as likely, to within {@code limit} / 2^32. */
    private static long below(long limit, long random) {
        return ((random >>> 32) * limit) >>> 32;
    }
}
