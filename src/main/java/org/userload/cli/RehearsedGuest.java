package org.userload.cli;

import java.io.IOException;
import org.userload.memory.GuestMemory;
import org.userload.migration.Guest;
import org.userload.migration.GuestFactory;
import org.userload.migration.Rehearsal;
import org.userload.trace.AccessRate;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.SyntheticTrace;
import org.userload.trace.TraceLoader;
import org.userload.trace.Workload;

/** Guests of the kind that {@code replay} moves, with a program of some hundred accesses, for {@link Rehearsal}. */
final class RehearsedGuest implements GuestFactory {
    private static final int ACCESSES = 512;
    private static final int SEED = 1;

    private final Program program;

    RehearsedGuest() throws IOException {
        SyntheticTrace trace = new SyntheticTrace(
                Rehearsal.PAGES, ACCESSES, 0.5, Rehearsal.PAGES, SyntheticTrace.Pattern.RANDOM, Long.BYTES, SEED);
        program = Program.once(TraceLoader.load("rehearsal", trace.reader()), SEED);
    }

    @Override
    public Guest create(GuestMemory memory) {
        return new Workload(program, AccessRate.FULL_SPEED, new GuestReplayMemory(memory));
    }
}
