package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Mapping;
import org.userload.linux.NativeException;
import org.userload.linux.NativeShim;
import org.userload.linux.SignalSession;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageSize;
import org.userload.memory.PageUnavailableException;
import org.userload.protocol.Feature;

/**
 * Interception by signals: a thread that touches a missing page has a SIGBUS, and its handler, in C, asks the source on a
 * connection of its own, installs the page and returns; the access is made again. No thread is woken, so it is the fastest
 * way; and Java code may touch the memory by any means: a thread in the handler needs nothing of the JVM, so a collection
 * that begins meanwhile waits for the page and goes on.
 *
 * <p><b>What it asks for.</b> The source is another process: it must go on while this JVM waits for the thread. The kernel's
 * own accesses to a missing page are no signals: a system call that is given one fails with EFAULT; the page-access layer has
 * no such calls.
 *
 * <p><b>Received bits.</b> The kernel decides which pages are missing. A page that the handler has installed gets its received
 * bit later, by whoever is first of {@link FetchedPages}, which looks every few milliseconds, an install that meets it, and a
 * thread of the page-access layer that asks for it. Who changes the bit counts the page; so each is counted once.
 *
 * <p><b>Known pages</b> are put in place at once.
 *
 * <p><b>Lost source.</b> A touch of a missing page is for the JVM's own handler: {@link InternalError} in Java code, the end of
 * the process in native code. Threads of the page-access layer do not fault: they fetch the page by a call, and get {@link
 * PageUnavailableException}.
 */
public final class SignalInterceptor implements FaultInterceptor {
    private final Userfaultfd uffd;
    private final PatternPages pattern = new PatternPages();
    private final FaultStatistics statistics = new FaultStatistics(new HandlerFaults());

    private volatile @Nullable PageOrigin origin;
    private volatile @Nullable Started started;
    private volatile State state = State.ACTIVE;
    private volatile @Nullable Throwable failure;
    private boolean descriptorClosed;

    private enum State {
        ACTIVE,
        FAILED,
        COMPLETED,
        CLOSED
    }

    /** What {@link #start} brings. */
    private record Started(
            GuestMemory memory,
            SignalSession session,
            SignalInstaller installer,
            FetchedPages fetched,
            FaultListener listener) {}

    /** What the handler has recorded. */
    private final class HandlerFaults implements FaultStatistics.Beside {
        @Override
        public void addTo(Histogram latencies) {
            Started now = started;
            if (now != null) {
                now.session.latencies((nanos, count) -> latencies.recordValueWithCount(Math.max(nanos, 1), count));
            }
        }

        @Override
        public long blockedNanos() {
            Started now = started;
            return now == null ? 0 : now.session.counts().blockedNanos();
        }
    }

    private SignalInterceptor(Userfaultfd uffd) {
        this.uffd = uffd;
    }

    /**
     * Opens a userfaultfd whose faults are signals.
     *
     * @throws NativeException when the kernel does not permit or support it
     * @throws NativeShim.ShimMissingException when this build has no native code
     */
    public static SignalInterceptor open() {
        NativeShim.shared();
        if (Mapping.hostPageSize() > PageSize.DEFAULT.bytes()) {
            throw NativeException.notSupported("a fault of 4 KiB on a host with pages of " + Mapping.hostPageSize());
        }
        return new SignalInterceptor(Userfaultfd.builder()
                .require(UffdFeature.SIGBUS)
                .allowUserModeOnly()
                .open());
    }

    @Override
    public String name() {
        return "signal";
    }

    @Override
    public FaultStatistics statistics() {
        return statistics;
    }

    @Override
    public void pagesComeFrom(PageOrigin session) {
        origin = session;
    }

    /**
     * @throws IllegalStateException when the source is this process, or knows no connections for faults, or cannot be
     *     reached; the message says which
     */
    @Override
    public void start(GuestMemory memory, IoEventLoop loop, FaultListener listener) {
        PageOrigin from = origin;
        if (from == null) {
            throw new IllegalStateException("the signal interceptor needs to know where pages come from");
        }
        if (!Feature.FAULTS.in(from.features())) {
            throw new IllegalStateException("the signal interceptor cannot be used: source " + from.source()
                    + " knows no connections for faults; use the same release there, or another interceptor");
        }
        SignalSession session = open(memory, from);
        try {
            for (int i = 0; i < memory.regionCount(); i++) {
                MemoryRegion region = memory.region(i);
                uffd.register(region.hostAddress(), region.sizeBytes());
            }
        } catch (RuntimeException e) {
            session.end();
            throw e;
        }
        FetchedPages fetched = new FetchedPages(memory, session, listener);
        SignalInstaller installer = new SignalInstaller(session, pattern, listener, () -> state == State.ACTIVE);
        started = new Started(memory, session, installer, fetched, listener);
        fetched.collectOn(loop, () -> state == State.ACTIVE);
    }

    private SignalSession open(GuestMemory memory, PageOrigin from) {
        List<SignalSession.Range> ranges = new ArrayList<>();
        for (int i = 0; i < memory.regionCount(); i++) {
            MemoryRegion region = memory.region(i);
            ranges.add(new SignalSession.Range(region.hostAddress(), region.sizeBytes(), i));
        }
        try {
            return SignalSession.open(new SignalSession.Options(
                    from.source().toString(),
                    from.session().high(),
                    from.session().low(),
                    from.longestWait(),
                    uffd.fd(),
                    from.connections(),
                    PageSize.DEFAULT.bytes(),
                    ranges));
        } catch (IllegalStateException e) {
            throw new IllegalStateException("the signal interceptor cannot be used: " + e.getMessage(), e);
        }
    }

    private Started started() {
        Started now = started;
        if (now == null) {
            throw new IllegalStateException("the interceptor is not started");
        }
        return now;
    }

    /** By a call, so that the thread is "in native", and an error is no signal. */
    @Override
    public void awaitPage(int region, long page) {
        Started now = started();
        MemoryRegion touched = now.memory.region(region);
        long start = System.nanoTime();
        int answer = now.session.fetch(touched.hostAddressOf(page));
        statistics.record(System.nanoTime() - start);
        switch (SignalSession.outcomeOf(answer)) {
            case IN_PLACE -> received(now, touched, page);
            case ENDED -> {
                if (state != State.COMPLETED) {
                    throw unavailable(region, page, answer);
                }
            }
            case FAILED -> {
                // It may have come to another thread, before the source was lost.
                now.fetched.collect();
                if (!touched.received().get(page)) {
                    throw unavailable(region, page, answer);
                }
            }
        }
    }

    private void received(Started now, MemoryRegion region, long page) {
        if (region.received().set(page)) {
            now.listener.pagesFetched(region.index(), page, 1);
            if (state == State.CLOSED) {
                region.received().clear(page);
                throw unavailable(region.index(), page, 0);
            }
        }
    }

    private PageUnavailableException unavailable(int region, long page, int answer) {
        return PageUnavailableException.of(
                region,
                page,
                failure,
                state == State.CLOSED
                        ? "the session was closed"
                        : "its request has failed: " + SignalSession.describe(answer));
    }

    @Override
    public int install(MemoryRegion region, long firstPage, int count, long sourceAddress) {
        return state == State.ACTIVE ? started().installer.copy(region, firstPage, count, sourceAddress) : 0;
    }

    @Override
    public int installFilled(MemoryRegion region, long firstPage, int count, long word) {
        return (int) know(region, firstPage, count, word);
    }

    @Override
    public long know(MemoryRegion region, long firstPage, long count, long word) {
        if (state != State.ACTIVE) {
            return 0;
        }
        if (word != 0) {
            pattern.prepare(word, region.pageShift());
        }
        return started().installer.fill(region, firstPage, count, word != 0);
    }

    /** No page is known that is not in place. */
    @Override
    public long forget(MemoryRegion region, long firstPage, long count) {
        return 0;
    }

    @Override
    public void putKnownInPlace(MemoryRegion region, long firstPage, int count) {
        // They are.
    }

    @Override
    public boolean fillKnown(int most) {
        return true;
    }

    @Override
    public long discard(MemoryRegion region, long firstPage, long count) {
        if (state != State.ACTIVE) {
            return 0;
        }
        long settled = region.received().clear(firstPage, count);
        if (settled > 0) {
            Mapping.discard(region.hostAddressOf(firstPage), count << region.pageShift());
        }
        return settled;
    }

    /**
     * The pages are dropped and made zero pages in one native call that keeps every install away, so that an answer that is on
     * its way finds them in place. They stay registered, and no mapping is split.
     */
    @Override
    public Released release(MemoryRegion region, long firstPage, long count) {
        long address = region.hostAddressOf(firstPage);
        long bytes = count << region.pageShift();
        if (isCompleted()) {
            Mapping.discard(address, bytes);
            return new Released(0, count, 0);
        }
        if (state != State.ACTIVE || !started().session.drop(address, bytes)) {
            throw new IllegalStateException("pages cannot be released: the session is over", failure);
        }
        long missing = region.received().set(firstPage, count);
        return new Released(missing, count - missing, 0);
    }

    private synchronized boolean isCompleted() {
        return state == State.COMPLETED;
    }

    @Override
    public synchronized void complete() {
        if (state == State.ACTIVE) {
            started().fetched.collect();
            state = State.COMPLETED;
            end(started());
        }
    }

    @Override
    public synchronized void fail(Throwable reason) {
        if (state == State.ACTIVE) {
            failure = reason;
            Started now = started;
            if (now != null) {
                now.session.fail();
            }
            state = State.FAILED;
            if (now != null) {
                now.fetched.collect();
            }
        }
    }

    @Override
    public synchronized void close() {
        boolean runs = state == State.ACTIVE || state == State.FAILED;
        if (state != State.COMPLETED) {
            state = State.CLOSED;
        }
        Started now = started;
        if (runs && now != null) {
            end(now);
        }
        if (!descriptorClosed) {
            descriptorClosed = true;
            uffd.close();
            pattern.close();
        }
    }

    /** First no thread can fault any more, then those that have are waited for. */
    private void end(Started now) {
        for (int i = 0; i < now.memory.regionCount(); i++) {
            MemoryRegion region = now.memory.region(i);
            uffd.unregister(region.hostAddress(), region.sizeBytes());
        }
        now.session.end();
    }
}
