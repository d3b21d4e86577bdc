package org.userload.fault;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoOps;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Errno;
import org.userload.linux.Mapping;
import org.userload.linux.NativeException;
import org.userload.linux.PageTouch;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;

/**
 * Interception by the kernel: the regions are registered with a userfaultfd, and any touch of a missing page, by native
 * code, a virtual CPU or a system call, sleeps in the kernel until the page is installed.
 *
 * <p>Java threads come here from the page-access layer and touch the page from native code ({@link
 * PageTouch}): while they sleep the JVM can still reach a safepoint, and a page that cannot be had is an errno for them
 * instead of a signal.
 *
 * <p><b>Lost source.</b> The registration stays. Every fault on a missing page is answered by making that page
 * untouchable ({@code UFFDIO_POISON}, before Linux 6.6 {@code PROT_NONE}): Java threads get {@link
 * PageUnavailableException}, system calls and KVM get EFAULT, native code a signal. Nobody ever reads a zero that is
 * not the guest's.
 *
 * <p><b>Removed pages.</b> With {@code trackRemovals} the kernel tells when pages of the memory are dropped; they become
 * zero pages and are never filled from the source. Without it, dropping a page that has not arrived lets the old
 * content come back, so a guest that drops memory by itself needs the tracking. It costs a short wait of the fault loop
 * for each install of another loop; see {@link InstallGate}.
 *
 * <p><b>Known pages</b> stay missing for the kernel until they are touched; then the fault loop puts them in place, also
 * when the source is lost.
 */
public final class UserfaultfdInterceptor implements FaultInterceptor {
    /** Pages marked with the gate shut: a few microseconds. */
    private static final long PIECE_PAGES = 1 << 15;

    private final Userfaultfd uffd;
    private final PageTouch touch;
    private final boolean trackRemovals;
    private final boolean takesMemory;
    private final InstallGate gate = new InstallGate();
    private final PatternPages pattern = new PatternPages();
    private final FaultStatistics statistics = new FaultStatistics();
    private final AtomicBoolean descriptorClosed = new AtomicBoolean();

    private volatile @Nullable Started started;
    private volatile State state = State.ACTIVE;
    private volatile @Nullable Throwable failure;

    /** How far known pages were put in place for the end. */
    private int fillRegion;

    private long fillPage;

    private enum State {
        ACTIVE,
        FAILED,
        COMPLETED,
        CLOSED
    }

    /** What {@link #start} brings. */
    private record Started(
            GuestMemory memory,
            KnownPages known,
            UffdInstaller installer,
            UffdReleaser releaser,
            UffdEventReader events,
            IoRegistration registration) {}

    private UserfaultfdInterceptor(Userfaultfd uffd, PageTouch touch, boolean trackRemovals) {
        this.uffd = uffd;
        this.touch = touch;
        this.trackRemovals = trackRemovals;
        this.takesMemory = uffd.features().contains(UffdFeature.MOVE);
    }

    /**
     * Opens a userfaultfd for faults of user and kernel mode.
     *
     * @param trackRemovals whether pages may be dropped ({@code madvise}) by others than this library meanwhile
     * @throws NativeException when the kernel does not permit or support it
     */
    public static UserfaultfdInterceptor open(boolean trackRemovals) {
        return open(trackRemovals, PageTouch.choose(), UffdFeature.POISON, UffdFeature.MOVE);
    }

    /** As {@link #open(boolean)}, with the touch, and with the features that are used where the kernel has them. */
    static UserfaultfdInterceptor open(boolean trackRemovals, PageTouch touch, UffdFeature... wanted) {
        if (Mapping.hostPageSize() > PageSize.DEFAULT.bytes()) {
            throw NativeException.notSupported("a fault of 4 KiB on a host with pages of " + Mapping.hostPageSize());
        }
        Userfaultfd.Builder builder = Userfaultfd.builder();
        for (UffdFeature feature : wanted) {
            builder.want(feature);
        }
        if (trackRemovals) {
            builder.require(UffdFeature.EVENT_REMOVE);
        }
        return new UserfaultfdInterceptor(builder.open(), touch, trackRemovals);
    }

    @Override
    public String name() {
        return "userfaultfd";
    }

    @Override
    public FaultStatistics statistics() {
        return statistics;
    }

    @Override
    public void start(GuestMemory memory, IoEventLoop loop, FaultListener listener) {
        UffdRegions regions = new UffdRegions(memory);
        KnownPages known = new KnownPages(memory, trackRemovals);
        UffdInstaller installer = new UffdInstaller(uffd, known, pattern, gate, loop, () -> state == State.ACTIVE);
        UffdReleaser releaser = new UffdReleaser(uffd, known, installer, gate, memory);
        UffdEventReader events =
                new UffdEventReader(uffd, regions, known, gate, installer, listener, () -> state == State.FAILED);
        installer.whenMappingChanges(events::deliver);
        for (int i = 0; i < memory.regionCount(); i++) {
            MemoryRegion region = memory.region(i);
            uffd.register(region.hostAddress(), region.sizeBytes());
        }
        IoRegistration registration = loop.register(new UffdPoll(uffd.fd(), events::deliver))
                .syncUninterruptibly()
                .getNow();
        registration.submit(EpollIoOps.EPOLLIN);
        started = new Started(memory, known, installer, releaser, events, registration);
    }

    private Started started() {
        Started now = started;
        if (now == null) {
            throw new IllegalStateException("the interceptor is not started");
        }
        return now;
    }

    @Override
    public void awaitPage(int region, long page) {
        MemoryRegion touched = started().memory.region(region);
        long start = System.nanoTime();
        int errno = touch.touch(touched.hostAddressOf(page), 1L << touched.pageShift());
        statistics.record(System.nanoTime() - start);
        if (errno != 0 || state == State.CLOSED) {
            throw unavailable(region, page, errno);
        }
    }

    private PageUnavailableException unavailable(int region, long page, int errno) {
        return PageUnavailableException.of(
                region,
                page,
                failure,
                state == State.CLOSED
                        ? "the session was closed"
                        : "the kernel refused to make it present: " + Errno.describe(errno));
    }

    @Override
    public int install(MemoryRegion region, long firstPage, int count, long sourceAddress) {
        return state == State.ACTIVE ? started().installer.copy(region, firstPage, count, sourceAddress) : 0;
    }

    @Override
    public boolean takesMemory() {
        return takesMemory;
    }

    @Override
    public Taken take(MemoryRegion region, long firstPage, int count, long source) {
        int moved =
                state == State.ACTIVE && takesMemory ? started().installer.move(region, firstPage, count, source) : 0;
        long from = source + ((long) moved << region.pageShift());
        return new Taken(moved, moved == count ? 0 : install(region, firstPage + moved, count - moved, from));
    }

    @Override
    public boolean areMissing(MemoryRegion region, long firstPage, long count) {
        long end = firstPage + count;
        return started().known.endOfMissing(region, firstPage, end) == end;
    }

    @Override
    public int installFilled(MemoryRegion region, long firstPage, int count, long word) {
        if (state != State.ACTIVE) {
            return 0;
        }
        if (word == 0) {
            return started().installer.zero(region, firstPage, count);
        }
        pattern.prepare(word, region.pageShift());
        return started().installer.pattern(region, firstPage, count);
    }

    /**
     * Marks the pages with the gate shut, a piece at a time so that nobody waits long for it, and then wakes who waits for
     * them: these threads fault again, and that fault is served here.
     */
    @Override
    public long know(MemoryRegion region, long firstPage, long count, long word) {
        Started now = started();
        if (word != 0) {
            pattern.prepare(word, region.pageShift());
        }
        long marked = 0;
        long end = firstPage + count;
        for (long page = firstPage; page < end; page += PIECE_PAGES) {
            gate.shut();
            try {
                if (state != State.ACTIVE) {
                    break;
                }
                marked += now.known.mark(region, page, Math.min(PIECE_PAGES, end - page), word != 0);
            } finally {
                gate.open();
            }
        }
        if (marked > 0) {
            uffd.wake(region.hostAddressOf(firstPage), count << region.pageShift());
        }
        return marked;
    }

    @Override
    public long forget(MemoryRegion region, long firstPage, long count) {
        return started().known.forgetUnlessReceived(region, firstPage, count);
    }

    @Override
    public void putKnownInPlace(MemoryRegion region, long firstPage, int count) {
        KnownPages known = started().known;
        for (long page = firstPage; page < firstPage + count; page++) {
            if (!region.received().get(page) && known.contains(region, page)) {
                started().installer.serve(region, page);
            }
        }
    }

    @Override
    public boolean fillKnown(int most) {
        Started now = started();
        long left = most;
        while (fillRegion < now.memory.regionCount() && left > 0) {
            MemoryRegion region = now.memory.region(fillRegion);
            long page = now.installer.fill(region, fillPage, (int) left);
            left -= page - fillPage;
            fillPage = page;
            if (page == region.pageCount()) {
                fillRegion++;
                fillPage = 0;
            }
        }
        return fillRegion == now.memory.regionCount();
    }

    @Override
    public Released release(MemoryRegion region, long firstPage, long count) {
        Released released = Released.NONE;
        long end = firstPage + count;
        for (long page = firstPage; page < end; page += PIECE_PAGES) {
            released = released.plus(releasePiece(region, page, Math.min(PIECE_PAGES, end - page)));
        }
        return released;
    }

    private Released releasePiece(MemoryRegion region, long firstPage, long count) {
        if (isCompleted()) {
            Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift());
            return new Released(0, count, 0);
        }
        return started().releaser.release(region, firstPage, count, () -> {
            if (state == State.FAILED || state == State.CLOSED) {
                throw new IllegalStateException("pages cannot be released: the session is over", failure);
            }
        });
    }

    /** Whether the memory is ordinary by now: waits for a {@link #complete} that is under way. */
    private synchronized boolean isCompleted() {
        return state == State.COMPLETED;
    }

    /** Dropping pages raises remove events where these are tracked; the reader is told that they are ours. */
    @Override
    public long discard(MemoryRegion region, long firstPage, long count) {
        if (state != State.ACTIVE) {
            return 0;
        }
        boolean drops = region.received().nextSet(firstPage, firstPage + count) < firstPage + count;
        long settled = started().known.forget(region, firstPage, count);
        if (drops) {
            started()
                    .events
                    .ignoreRemovesWhile(
                            () -> Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift()));
        }
        return settled;
    }

    @Override
    public synchronized void complete() {
        if (state == State.ACTIVE) {
            state = State.COMPLETED;
            unregister();
            if (started().known.isUsed()) {
                makeKnownPagesReceived();
            }
        }
    }

    /** From now on a page that nobody has touched or that was dropped is a zero page by itself, as in any memory. */
    private void makeKnownPagesReceived() {
        GuestMemory memory = started().memory;
        for (int i = 0; i < memory.regionCount(); i++) {
            memory.region(i).received().set(0, memory.region(i).pageCount());
        }
    }

    /** Threads that wait already are woken and fault again; that fault is refused. */
    @Override
    public synchronized void fail(Throwable reason) {
        if (state == State.ACTIVE) {
            failure = reason;
            gate.shut();
            state = State.FAILED;
            gate.open();
            Started now = started;
            for (int i = 0; now != null && i < now.memory.regionCount(); i++) {
                MemoryRegion region = now.memory.region(i);
                uffd.wake(region.hostAddress(), region.sizeBytes());
            }
        }
    }

    @Override
    public synchronized void close() {
        boolean registered = state == State.ACTIVE || state == State.FAILED;
        if (state != State.COMPLETED) {
            state = State.CLOSED;
        }
        if (registered && started != null) {
            unregister();
        }
        if (descriptorClosed.compareAndSet(false, true)) {
            uffd.close();
            pattern.close();
        }
    }

    private static void stopPolling(IoRegistration registration) {
        try {
            registration.cancel();
        } catch (RejectedExecutionException e) {
            // The loop has ended, and its polling with it.
        }
    }

    private void unregister() {
        Started now = started();
        stopPolling(now.registration);
        for (int i = 0; i < now.memory.regionCount(); i++) {
            MemoryRegion region = now.memory.region(i);
            uffd.unregister(region.hostAddress(), region.sizeBytes());
        }
    }
}
