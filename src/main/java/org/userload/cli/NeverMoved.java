package org.userload.cli;

import java.util.Arrays;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.trace.AccessRate;
import org.userload.trace.ColdPages;
import org.userload.trace.CpuState;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.SeededMemory;
import org.userload.trace.Workload;

/**
 * The same guest, run in one place from start to end: what a moved one must be equal to, byte for byte, but for its free
 * pages. Of these each must hold its last content, or what a page holds that was not sent. Ballooned pages are zero.
 */
final class NeverMoved {
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 4096;

    private final Program program;
    private final ColdPages cold;
    private final FreeContent freeContent;

    /** What free pages may hold besides their last content. */
    sealed interface FreeContent {
        /** Nothing else: all pages were sent, or did not move. */
        record Sent() implements FreeContent {}

        /** The pattern in each word, if the page was not sent; 0 for zero pages. */
        record Pattern(long word) implements FreeContent {}
    }

    NeverMoved(Program program, ColdPages cold, FreeContent freeContent) {
        this.program = program;
        this.cold = cold;
        this.freeContent = freeContent;
    }

    /** Whether a guest that moved ended in the same state with the same memory. */
    boolean isEqualTo(CpuState moved, GuestMemory movedMemory) {
        RegionTable traced = RegionTable.single(program.trace().pageCount());
        try (GuestMemory memory = GuestMemory.present(traced);
                Workload guest = new Workload(program, AccessRate.FULL_SPEED, new GuestReplayMemory(memory))) {
            SeededMemory.fill(new GuestReplayMemory(memory), program.seed());
            guest.runTo(program.accessCount());
            CpuState expected = CpuState.fromBytes(guest.saveCpuState());
            return expected.equals(moved) && sameBytes(memory, movedMemory) && new ColdCheck(movedMemory).isRight();
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

    /** The pages that the trace does not touch, against what they were filled with. One thread. */
    private final class ColdCheck implements ColdPages.RunConsumer {
        private final GuestMemory memory;
        private final byte[] actual = new byte[CHUNK_BYTES];
        private final byte[] seeded = new byte[CHUNK_BYTES];
        private final byte[] zeros = new byte[CHUNK_BYTES];
        private final byte[] unsent = new byte[PAGE_BYTES];
        private boolean right = true;

        ColdCheck(GuestMemory memory) {
            this.memory = memory;
            if (freeContent instanceof FreeContent.Pattern pattern) {
                for (int at = 0; at < PAGE_BYTES; at++) {
                    unsent[at] = (byte) (pattern.word() >>> (Byte.SIZE * (at % Long.BYTES)));
                }
            }
        }

        boolean isRight() {
            cold.forEachRun(this);
            return right;
        }

        @Override
        public void accept(ColdPages.Kind kind, long first, long count) {
            long end = (first + count) * PAGE_BYTES;
            for (long at = first * PAGE_BYTES; at < end && right; at += CHUNK_BYTES) {
                int length = (int) Math.min(CHUNK_BYTES, end - at);
                memory.get(at, actual, 0, length);
                right = switch (kind) {
                    case ZERO, BALLOONED -> Arrays.equals(actual, 0, length, zeros, 0, length);
                    case IN_USE -> equalsSeeded(at, 0, length);
                    case FREE -> freePagesAreRight(at, length);
                };
            }
        }

        private boolean freePagesAreRight(long at, int length) {
            for (int page = 0; page < length; page += PAGE_BYTES) {
                boolean wasNotSent = freeContent instanceof FreeContent.Pattern
                        && Arrays.equals(actual, page, page + PAGE_BYTES, unsent, 0, PAGE_BYTES);
                if (!wasNotSent && !equalsSeeded(at + page, page, PAGE_BYTES)) {
                    return false;
                }
            }
            return true;
        }

        private boolean equalsSeeded(long guestAddress, int offset, int length) {
            SeededMemory.fill(seeded, offset, length, program.seed(), guestAddress);
            return Arrays.equals(actual, offset, offset + length, seeded, offset, offset + length);
        }
    }
}
