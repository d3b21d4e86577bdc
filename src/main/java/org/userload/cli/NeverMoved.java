package org.userload.cli;

import java.util.Arrays;
import org.userload.memory.GuestMemory;
import org.userload.trace.AccessRate;
import org.userload.trace.CpuState;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.SeededMemory;
import org.userload.trace.Workload;

/** The same guest, run in one place from start to end: what a moved one must be equal to, byte for byte. */
final class NeverMoved {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Program program;

    NeverMoved(Program program) {
        this.program = program;
    }

    /** Whether a guest that moved ended in the same state with the same memory. */
    boolean isEqualTo(CpuState moved, GuestMemory movedMemory) {
        try (GuestMemory memory = GuestMemory.present(movedMemory.table());
                Workload guest = new Workload(program, AccessRate.FULL_SPEED, new GuestReplayMemory(memory))) {
            SeededMemory.fill(new GuestReplayMemory(memory), program.seed());
            guest.runTo(program.accessCount());
            CpuState expected = CpuState.fromBytes(guest.saveCpuState());
            return expected.equals(moved) && sameBytes(memory, movedMemory);
        }
    }

    private static boolean sameBytes(GuestMemory expected, GuestMemory actual) {
        byte[] left = new byte[CHUNK_BYTES];
        byte[] right = new byte[CHUNK_BYTES];
        long size = expected.sizeBytes();
        for (long at = 0; at < size; at += CHUNK_BYTES) {
            int length = (int) Math.min(CHUNK_BYTES, size - at);
            expected.get(at, left, 0, length);
            actual.get(at, right, 0, length);
            if (!Arrays.equals(left, 0, length, right, 0, length)) {
                return false;
            }
        }
        return true;
    }
}
