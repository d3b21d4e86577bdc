package org.userload.cli;

import org.userload.hint.Balloon;
import org.userload.hint.HintResult;
import org.userload.hint.RangeBatch;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.trace.AccessRate;
import org.userload.trace.ColdPages;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.Workload;

/**
 * The guest of a replay: what it runs, how fast, and what its memory is.
 *
 * @param table all of its memory: one region from address 0
 * @param cold the pages that the trace does not touch
 */
record ReplayedGuest(Program program, AccessRate rate, RegionTable table, ColdPages cold) {
    /** New memory with the guest's first content. The caller closes it. */
    GuestMemory filledMemory() {
        GuestMemory memory = GuestMemory.present(table);
        try {
            cold.fill(new GuestReplayMemory(memory), program.seed());
            return memory;
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /**
     * The guest inflates its balloon: the host drops these pages.
     *
     * @throws IllegalStateException when that is refused
     */
    void inflateBalloon(GuestMemory memory) {
        RangeBatch ballooned = new RangeBatch();
        cold.forEachRun(ColdPages.Kind.BALLOONED, (kind, first, count) -> ballooned.add(first, count));
        if (ballooned.size() > 0
                && Balloon.empty(memory, 0).inflate(ballooned) instanceof HintResult.Refused refused) {
            throw new IllegalStateException("the balloon cannot be inflated: " + refused.message());
        }
    }

    /** The guest on a memory, paused at its first access. */
    Workload on(GuestMemory memory) {
        return new Workload(program, rate, new GuestReplayMemory(memory), cold);
    }
}
