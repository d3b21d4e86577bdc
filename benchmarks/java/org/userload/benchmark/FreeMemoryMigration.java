package org.userload.benchmark;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.userload.destination.DestinationConfig;
import org.userload.hint.Balloon;
import org.userload.hint.FreePageReporter;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.migration.Guest;
import org.userload.migration.MigrationDestination;
import org.userload.migration.MigrationMode;
import org.userload.migration.MigrationPlan;
import org.userload.migration.MigrationSource;
import org.userload.source.ServerConfig;
import org.userload.trace.ColdPages;
import org.userload.trace.ReplayedChannel;
import org.userload.transport.Endpoint;

/**
 * Pre-copy of a guest with free memory, from this process to this process over loopback, each time on new memory. Every page
 * with content holds its number in its first word; afterwards each page is looked at. One thread.
 */
final class FreeMemoryMigration {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Endpoint LOOPBACK = new Endpoint.Tcp("127.0.0.1", 0);
    private static final int PAGE_SHIFT = 12;

    private final long pages;
    private final Kind kind;
    private final long writesPerSecond;
    private final long workingSetPages;
    private final ColdPages cold;

    /** What a guest is like. */
    enum Kind {
        /** A sixteenth is in use, the rest was used and is free; it does nothing. */
        IDLE(1.0 / 64, 1 - 3.0 / 64, true, false),
        /** An eighth is in use, a quarter of which it writes to; the rest was used and is free. */
        WRITING(1.0 / 32, 1 - 3.0 / 32, true, true),
        /** Nothing but a 64th was ever written to; the rest is free. */
        UNTOUCHED(1.0 / 64, 1, false, false),
        /** All of it was used, and all but a 64th is free. */
        FREED(1.0 / 64, 1, true, false);

        private final double workingSet;
        private final double freeOfTheRest;
        private final boolean wasUsed;
        private final boolean writes;

        Kind(double workingSet, double freeOfTheRest, boolean wasUsed, boolean writes) {
            this.workingSet = workingSet;
            this.freeOfTheRest = freeOfTheRest;
            this.wasUsed = wasUsed;
            this.writes = writes;
        }
    }

    FreeMemoryMigration(long pages, Kind kind, long writesPerSecond) {
        this.pages = pages;
        this.kind = kind;
        this.writesPerSecond = kind.writes ? writesPerSecond : 0;
        this.workingSetPages = Math.max(1, (long) (pages * kind.workingSet));
        this.cold = ColdPages.of(
                workingSetPages, pages - workingSetPages, new ColdPages.Shares(0, kind.freeOfTheRest, 0), 1);
    }

    /** Moves the guest; gives how long that took. */
    double millis(boolean hints) throws Exception {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(pages))) {
            fill(memory);
            try (ReplayedChannel channel = ReplayedChannel.open(cold, Balloon.empty(memory, 0));
                    DirtyingGuest worker = new DirtyingGuest(memory, workingSetPages, writesPerSecond, false)) {
                Guest guest = new AskableGuest(worker, channel.freePageReporter());
                MigrationPlan plan = MigrationPlan.of(MigrationMode.PRECOPY).withHints(hints);
                try (MigrationSource source = MigrationSource.listen(ServerConfig.at(LOOPBACK), guest, memory, plan);
                        MigrationDestination destination = MigrationDestination.open(
                                DestinationConfig.from(source.endpoint()),
                                there -> new DirtyingGuest(there, workingSetPages, writesPerSecond, false))) {
                    return move(guest, source, destination, hints);
                }
            }
        }
    }

    private void fill(GuestMemory memory) {
        for (long page = 0; page < workingSetPages; page++) {
            memory.putLong(page << PAGE_SHIFT, page + 1);
        }
        cold.forEachRun((runKind, first, count) -> {
            for (long page = first; page < first + count && (kind.wasUsed || runKind != ColdPages.Kind.FREE); page++) {
                memory.putLong(page << PAGE_SHIFT, page + 1);
            }
        });
    }

    private double move(Guest guest, MigrationSource source, MigrationDestination destination, boolean hints)
            throws Exception {
        guest.resume();
        source.awaitDestination(PATIENCE);
        long start = System.nanoTime();
        source.migrate(PATIENCE);
        destination.completion().get();
        double millis = (destination.destination().completedAtNanos() - start) / 1e6;
        source.completion().get();
        try (DirtyingGuest there = (DirtyingGuest) destination.resumed().get().guest()) {
            there.pause();
            check(destination.destination().memory(), hints);
        }
        return millis;
    }

    private void check(GuestMemory memory, boolean hints) {
        cold.forEachRun((runKind, first, count) -> {
            boolean isFree = runKind == ColdPages.Kind.FREE;
            for (long page = first; page < first + count; page++) {
                long found = memory.getLong(page << PAGE_SHIFT);
                boolean right = found == page + 1 && (kind.wasUsed || !isFree)
                        || found == 0 && isFree && (hints || !kind.wasUsed);
                if (!right) {
                    throw new IllegalStateException(runKind + " page " + page + " holds " + found);
                }
            }
        });
    }

    /** A guest that can be asked for its free pages. */
    private record AskableGuest(Guest worker, @Nullable FreePageReporter free) implements Guest {
        @Override
        public void pause() {
            worker.pause();
        }

        @Override
        public byte[] saveCpuState() {
            return worker.saveCpuState();
        }

        @Override
        public void restoreCpuState(byte[] state) {
            worker.restoreCpuState(state);
        }

        @Override
        public void resume() {
            worker.resume();
        }

        @Override
        public Optional<FreePageReporter> freePageReporter() {
            return Optional.ofNullable(free);
        }
    }
}
