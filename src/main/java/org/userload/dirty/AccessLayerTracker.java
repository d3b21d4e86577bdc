package org.userload.dirty;

import java.lang.invoke.VarHandle;
import org.userload.linux.NativeException;
import org.userload.linux.ProcessBarrier;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/**
 * Dirty pages by the page-access layer: every write through {@link GuestMemory} sets a bit after it has stored. Needs
 * nothing of the kernel but {@code membarrier(2)}; does not see native code, system calls or virtual CPUs.
 *
 * <p><b>Order of a collect.</b> The writer: store, full fence, test of the bit, set when clear. This class: clear, full
 * fence; then the caller reads the page. In the one order of the two fences, either the writer's comes first, and the
 * reader sees its bytes; or this one comes first, and the writer finds the bit clear and sets it for the next collect.
 *
 * <p><b>Order of the start.</b> Nothing may make an ordinary write wait while no writes are recorded, so there the writer
 * has no fence between its store and its look at the field that switches recording on. The barrier that {@link #start}
 * has every thread pass takes its place: a writer that looked before it has stored before it, and its bytes are in
 * memory when {@code start} returns; a writer that looks after it finds recording on. That needs the store and the look
 * in program order in the machine code; HotSpot keeps accesses in order around an opaque one.
 */
final class AccessLayerTracker implements DirtyTracker {
    private final GuestMemory memory;
    private final AtomicBitmap[] written;
    private TrackerState state = TrackerState.OPEN;

    private AccessLayerTracker(GuestMemory memory) {
        this.memory = memory;
        this.written = new AtomicBitmap[memory.regionCount()];
        for (int i = 0; i < written.length; i++) {
            written[i] = new AtomicBitmap(memory.region(i).pageCount());
        }
    }

    /**
     * Prepares the bitmaps; nothing is recorded yet.
     *
     * @throws NativeException when {@code membarrier(2)} is missing or forbidden
     */
    static AccessLayerTracker open(GuestMemory memory) {
        ProcessBarrier.register();
        return new AccessLayerTracker(memory);
    }

    @Override
    public String name() {
        return "access-layer";
    }

    @Override
    public boolean seesNativeWrites() {
        return false;
    }

    @Override
    public void start() {
        state.require(TrackerState.OPEN, "started");
        int recorded = 0;
        try {
            for (; recorded < written.length; recorded++) {
                memory.region(recorded).recordWrites(written[recorded]);
            }
            ProcessBarrier.pass();
        } catch (RuntimeException e) {
            stopRecording(recorded);
            throw e;
        }
        state = TrackerState.STARTED;
    }

    @Override
    public void collect(DirtySink sink) {
        state.require(TrackerState.STARTED, "collected from");
        for (int i = 0; i < written.length; i++) {
            collect(memory.region(i), written[i], sink);
        }
        VarHandle.fullFence();
    }

    /** Only this thread clears bits, so a run that was found is still whole when it is cleared. */
    private static void collect(MemoryRegion region, AtomicBitmap pages, DirtySink sink) {
        long end = region.pageCount();
        long first = pages.nextSet(0, end);
        while (first < end) {
            long after = pages.nextClear(first, end);
            pages.clear(first, after - first);
            sink.dirty(region.index(), first, after - first);
            first = pages.nextSet(after, end);
        }
    }

    private void stopRecording(int regions) {
        for (int i = 0; i < regions; i++) {
            memory.region(i).stopRecordingWrites();
        }
    }

    @Override
    public void close() {
        if (state == TrackerState.STARTED) {
            stopRecording(written.length);
        }
        state = TrackerState.CLOSED;
    }
}
