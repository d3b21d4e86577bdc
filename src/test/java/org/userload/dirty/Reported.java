package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/** What one collect has reported; checks that the runs are in order and within the memory. */
final class Reported implements DirtySink {
    private final GuestMemory memory;
    private final List<Run> runs = new ArrayList<>();

    record Run(int region, long first, long count) {
        long end() {
            return first + count;
        }
    }

    private Reported(GuestMemory memory) {
        this.memory = memory;
    }

    static Reported by(DirtyTracker tracker, GuestMemory memory) {
        Reported reported = new Reported(memory);
        tracker.collect(reported);
        return reported;
    }

    @Override
    public void dirty(int region, long firstPage, long count) {
        Run run = new Run(region, firstPage, count);
        assertThat(count).isPositive();
        assertThat(run.end()).isLessThanOrEqualTo(memory.region(region).pageCount());
        if (!runs.isEmpty()) {
            Run last = runs.get(runs.size() - 1);
            assertThat(region > last.region || (region == last.region && firstPage >= last.end()))
                    .as("%s after %s", run, last)
                    .isTrue();
        }
        runs.add(run);
    }

    List<Run> runs() {
        return runs;
    }

    long pages() {
        return runs.stream().mapToLong(Run::count).sum();
    }

    /** Each page as {@code region:page}. */
    List<String> each() {
        List<String> pages = new ArrayList<>();
        for (Run run : runs) {
            for (long page = run.first; page < run.end(); page++) {
                pages.add(run.region + ":" + page);
            }
        }
        return pages;
    }

    /** Copies the pages to the same place in another memory, as a migration round does. */
    void copyTo(GuestMemory replica) {
        for (Run run : runs) {
            MemoryRegion from = memory.region(run.region);
            long guest = from.guestAddress();
            ByteBuffer page = ByteBuffer.allocate(1 << from.pageShift());
            for (long i = run.first; i < run.end(); i++) {
                from.copyTo(i << from.pageShift(), page.capacity(), page.clear());
                replica.put(guest + (i << from.pageShift()), page.flip());
            }
        }
    }

    /** The first guest address whose byte differs, or -1. */
    static long firstDifference(GuestMemory memory, GuestMemory replica) {
        byte[] left = new byte[1 << 16];
        byte[] right = new byte[1 << 16];
        for (int i = 0; i < memory.regionCount(); i++) {
            MemoryRegion region = memory.region(i);
            for (long at = 0; at < region.sizeBytes(); at += left.length) {
                int length = (int) Math.min(left.length, region.sizeBytes() - at);
                memory.get(region.guestAddress() + at, left, 0, length);
                replica.get(region.guestAddress() + at, right, 0, length);
                int mismatch = java.util.Arrays.mismatch(left, right);
                if (mismatch >= 0 && mismatch < length) {
                    return region.guestAddress() + at + mismatch;
                }
            }
        }
        return -1;
    }
}
