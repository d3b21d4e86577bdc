package org.userload.cli;

import org.userload.hint.Balloon;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.trace.AccessRate;
import org.userload.trace.ColdPages;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.ReplayedChannel;
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

    /** The channel to the guest on a memory. The caller closes it. */
    ReplayedChannel channel(GuestMemory memory) {
        return ReplayedChannel.open(cold, Balloon.empty(memory, 0));
    }

    /** The guest on a memory, paused at its first access. */
    Workload on(GuestMemory memory) {
        return new Workload(program, rate, new GuestReplayMemory(memory));
    }

    /** The same, which can be asked for its free pages if it has any. */
    Workload on(GuestMemory memory, ReplayedChannel channel) {
        return cold.count(ColdPages.Kind.FREE) == 0
                ? on(memory)
                : new Workload(program, rate, new GuestReplayMemory(memory), channel.freePageReporter());
    }
}
