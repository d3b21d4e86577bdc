package org.userload.fault;

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.linux.Mapping;
import org.userload.linux.NativeException;
import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.UffdEvent;
import org.userload.linux.UffdEventBatch;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.MemoryRegion;

/**
 * Reads userfaultfd events and resolves them in the right order: the queue is read until it is empty and its removes are
 * applied on the way; the faults are put off until then, so that a fault never sees memory as it was before a remove
 * that came first. Fault loop only.
 */
final class UffdEventReader {
    private static final Logger LOG = LoggerFactory.getLogger(UffdEventReader.class);

    private final Userfaultfd uffd;
    private final UffdRegions regions;
    private final KnownPages known;
    private final InstallGate gate;
    private final UffdInstaller installer;
    private final FaultListener listener;
    private final BooleanSupplier sourceIsLost;
    private final UffdEventBatch batch = new UffdEventBatch();

    /** Whether removes are this library's own discarding: the pages are missing then, not removed. */
    private volatile boolean discarding;

    private long[] deferredFaults = new long[UffdEventBatch.CAPACITY];
    private int deferredCount;

    UffdEventReader(
            Userfaultfd uffd,
            UffdRegions regions,
            KnownPages known,
            InstallGate gate,
            UffdInstaller installer,
            FaultListener listener,
            BooleanSupplier sourceIsLost) {
        this.uffd = uffd;
        this.regions = regions;
        this.known = known;
        this.gate = gate;
        this.installer = installer;
        this.listener = listener;
        this.sourceIsLost = sourceIsLost;
    }

    /**
     * Runs a discard of this library's own. The call that drops pages returns when its event has been read; it is applied
     * with the gate shut, so who comes through the gate after that knows that it is done with, and the flag covers it. Not
     * on the fault loop; one at a time.
     */
    void ignoreRemovesWhile(Runnable discard) {
        discarding = true;
        try {
            discard.run();
        } finally {
            gate.enter();
            gate.leave();
            discarding = false;
        }
    }

    void deliver() {
        do {
            readBatch();
            for (int i = 0; i < batch.size(); i++) {
                if (batch.isPageFault(i)) {
                    defer(batch.address(i));
                }
            }
        } while (batch.size() == UffdEventBatch.CAPACITY);
        int count = deferredCount;
        deferredCount = 0;
        try {
            for (int i = 0; i < count; i++) {
                resolve(deferredFaults[i]);
            }
        } catch (NativeGoneException e) {
            // Unregistered meanwhile: that woke everyone.
        }
        listener.faultsDelivered();
    }

    private void defer(long address) {
        if (deferredCount == deferredFaults.length) {
            deferredFaults = Arrays.copyOf(deferredFaults, deferredCount * 2);
        }
        deferredFaults[deferredCount++] = address;
    }

    private void readBatch() {
        if (!known.tracksRemovals()) {
            uffd.read(batch);
            return;
        }
        gate.shut();
        try {
            uffd.read(batch);
            for (int i = 0; i < batch.size(); i++) {
                if (!batch.isPageFault(i) && batch.event(i) instanceof UffdEvent.Remove remove && !discarding) {
                    applyRemove(remove);
                }
            }
        } finally {
            gate.open();
        }
    }

    private void applyRemove(UffdEvent.Remove remove) {
        long start = remove.start();
        while (start < remove.end()) {
            MemoryRegion region = regions.find(start);
            if (region == null) {
                return;
            }
            long first = (start - region.hostAddress()) >>> region.pageShift();
            long end = Math.min((remove.end() - region.hostAddress()) >>> region.pageShift(), region.pageCount());
            long neverReceived = known.remove(region, first, end - first);
            // Whoever waits for one of them would wait for ever, since what the source sends is not installed any more.
            uffd.wake(start, region.hostAddressOf(end) - start);
            listener.pagesRemoved(neverReceived);
            start = region.hostAddressOf(end);
        }
    }

    private void resolve(long address) {
        MemoryRegion region = regions.find(address);
        if (region == null) {
            throw new IllegalStateException(String.format("page fault at 0x%x, outside every region", address));
        }
        long page = (address - region.hostAddress()) >>> region.pageShift();
        if (region.received().get(page) || known.contains(region, page)) {
            installer.serve(region, page);
        } else if (sourceIsLost.getAsBoolean()) {
            refuse(region.hostAddressOf(page), 1L << region.pageShift());
        } else {
            listener.pageFault(region.index(), page);
        }
    }

    /**
     * Makes a page that will never come an error for whoever touches it. The received bits are final by now: no install is
     * under way since the source was lost.
     */
    private void refuse(long address, long bytes) {
        if (uffd.features().contains(UffdFeature.POISON)) {
            // Present, or the mapping is changing: then the waiter has to fault again.
            if (uffd.poison(address, bytes) != bytes) {
                uffd.wake(address, bytes);
            }
            return;
        }
        try {
            Mapping.forbid(address, bytes);
            uffd.wake(address, bytes);
        } catch (NativeException e) {
            // Too many mappings: whoever waits goes on waiting until the session is closed, rather than read a zero.
            LOG.warn(
                    "a thread that waits for a lost page is woken only when the session is closed: {}", e.getMessage());
        }
    }
}
